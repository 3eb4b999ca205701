from __future__ import annotations

import os
import pickle

import numpy as np
import pytest

from crossspace.data.corpus import Corpus
from crossspace.data.importers.sdt import Sdt
from crossspace.errors import DataError, UsageError


def tables(keys, lengths, speaker, label=lambda conversation, i: i % 6):
    """The ten dictionaries of either pickle, with rows whose values tell where they come from."""
    random = np.random.default_rng(0)

    def vectors(width):
        return {k: [random.normal(size=width) for _ in range(n)] for k, n in zip(keys, lengths, strict=True)}

    ids = {k: [f"{k}_{i}" for i in range(n)] for k, n in zip(keys, lengths, strict=True)}
    speakers = {k: [speaker(i) for i in range(n)] for k, n in zip(keys, lengths, strict=True)}
    labels = {key: [label(k, i) for i in range(n)] for k, (key, n) in enumerate(zip(keys, lengths, strict=True))}
    texts = {k: [f"caf\xe9 {i}" for i in range(n)] for k, n in zip(keys, lengths, strict=True)}
    return [ids, speakers, labels, *(vectors(6) for _ in range(4)), vectors(5), vectors(3), texts]


@pytest.fixture
def iemocap():
    keys = [f"Ses0{i}_impro" for i in range(12)]
    made = tables(keys, range(1, 13), lambda i: "MF"[i % 2])
    return (*made, set(keys[:9]), set(keys[9:]))


@pytest.fixture
def meld():
    keys = list(range(8))
    made = tables(keys, [4] * 8, lambda i: np.eye(9)[i % 3], lambda k, i: (k + i) % 7)
    made[0] = {k: list(range(4)) for k in keys}
    return (*made, keys[:6], keys[6:], None)


@pytest.fixture
def save(tmp_path):
    def write(value, protocol=2):
        with open(tmp_path / "features.pkl", "wb") as file:
            pickle.dump(value, file, protocol)
        return tmp_path / "features.pkl"

    return write


@pytest.mark.parametrize("protocol", [2, 4, 5])
def test_iemocap_is_read(iemocap, save, protocol):
    corpus = Sdt().read(save(iemocap, protocol))
    assert corpus.spec.labels == ("happy", "sad", "neutral", "angry", "excited", "frustrated")
    assert corpus.spec.speakers == ("M", "F")
    assert corpus.spec.widths == {"text": 6, "audio": 5, "visual": 3}
    assert [len(corpus.split(s)) for s in ("train", "validation", "test")] == [8, 1, 3]
    last = corpus.split("test")[-1]
    assert last.id == "Ses011_impro" or len(last) in (10, 11, 12)
    first = corpus.split("test")[0].utterances[0]
    assert (first.id, first.speaker, first.label, first.text) == (
        f"{corpus.split('test')[0].id}_0",
        "M",
        "happy",
        "café 0",
    )
    assert np.array_equal(first.features["text"], np.float32(iemocap[3][corpus.split("test")[0].id][0]))
    assert corpus.coverage("all") == dict.fromkeys(("text", "audio", "visual"), 78)


def test_meld_speakers_are_local_and_its_ids_become_unique(meld, save):
    corpus = Sdt().read(save(meld))
    assert corpus.spec.labels[0] == "neutral"
    assert corpus.spec.speakers == 9
    assert corpus.spec.speaker_slots == 10
    first = corpus.split("test")[0]
    assert [u.speaker for u in first.utterances] == ["s0", "s1", "s2", "s0"]
    assert [u.id for u in first.utterances] == ["6_0", "6_1", "6_2", "6_3"]


def test_the_order_of_the_sets_in_the_file_does_not_matter(iemocap, save):
    mark = Sdt().read(save(iemocap)).fingerprint
    backwards = (*iemocap[:10], sorted(iemocap[10], reverse=True), sorted(iemocap[11], reverse=True))
    assert Sdt().read(save(backwards)).fingerprint == mark


def test_any_of_the_text_vectors_or_their_average_can_be_taken(iemocap, save):
    path, name = save(iemocap), sorted(iemocap[11])[0]
    found = {
        which: Sdt(text=which).read(path).split("test")[0].utterances[0].features["text"]
        for which in ("first", "second", "third", "fourth", "average")
    }
    for place, which in enumerate(("first", "second", "third", "fourth")):
        assert np.array_equal(found[which], np.float32(iemocap[3 + place][name][0]))
    assert np.allclose(found["average"], sum(found[w] for w in ("first", "second", "third", "fourth")) / 4)


def test_sentences_may_be_absent_or_bytes(iemocap, save):
    without = (*iemocap[:9], {}, *iemocap[10:])
    assert Sdt().read(save(without)).split("test")[0].utterances[0].text is None
    encoded = {k: [s.encode("latin-1") for s in v] for k, v in iemocap[9].items()}
    corpus = Sdt().read(save((*iemocap[:9], encoded, *iemocap[10:]), 4))
    assert corpus.split("test")[0].utterances[0].text == "café 0"


def test_the_corpus_survives_writing(iemocap, save, tmp_path):
    corpus = Sdt(licence="research only").read(save(iemocap))
    corpus.write(tmp_path / "c.parquet")
    assert Corpus.read(tmp_path / "c.parquet").fingerprint == corpus.fingerprint


def test_every_fault_is_named_at_once(iemocap, save):
    name = sorted(iemocap[10])[3]
    iemocap[7][name] = iemocap[7][name][:-1]
    del iemocap[8][name]
    with pytest.raises(DataError) as caught:
        Sdt().read(save(iemocap))
    assert f"audio, conversation {name!r}: should have" in str(caught.value)
    assert f"visual: nothing for 1 conversations, such as {name!r}" in str(caught.value)


def test_labels_and_numbers_that_cannot_be_are_named(iemocap, save):
    name = sorted(iemocap[10])[3]
    iemocap[2][name][0], iemocap[7][name][0] = 9, np.full(5, np.inf)
    message = (
        r"labels, conversation 'Ses03_impro', row 0: a label from 0 to 5.*found 9(\n.*)*audio holds 5 numbers of 5"
    )
    with pytest.raises(DataError, match=message):
        Sdt(corpus="iemocap").read(save(iemocap))


def test_widths_that_change_are_named(iemocap, save):
    iemocap[7][sorted(iemocap[10])[3]][0] = np.zeros(4)
    with pytest.raises(
        DataError, match="audio, conversation 'Ses03_impro', row 0: a vector of 5 is expected, found one of 4"
    ):
        Sdt().read(save(iemocap))


def test_other_pickles_and_the_wrong_corpus_are_refused(iemocap, save):
    with pytest.raises(DataError, match="Found a dict"):
        Sdt().read(save({"a": 1}))
    with pytest.raises(DataError, match="Found a tuple of 3"):
        Sdt().read(save((1, 2, 3)))
    with pytest.raises(UsageError, match="prove IEMOCAP"):
        Sdt(corpus="meld").read(save(iemocap))


def test_a_hostile_pickle_is_refused_by_name(iemocap, save, tmp_path):
    class Hostile:
        def __reduce__(self):
            return os.system, (f"touch {tmp_path / 'executed'}",)

    with pytest.raises(DataError, match=r"(posix|nt).system, which is refused"):
        Sdt().read(save((*iemocap[:11], Hostile())))
    assert not (tmp_path / "executed").exists()


def test_a_conversation_in_train_and_test_is_named(iemocap, save):
    both = (*iemocap[:10], iemocap[10] | set(list(iemocap[11])[:1]), iemocap[11])
    with pytest.raises(DataError, match="stands in both train and test"):
        Sdt().read(save(both))
