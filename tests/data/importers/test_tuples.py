"""The other orders of the tuples, and corpora of one's own in them."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from crossspace.data.corpus import Corpus
from crossspace.data.importers.sdt import Sdt
from crossspace.errors import DataError, UsageError

KEYS = [f"talk {i}" for i in range(6)]
LENGTH = 7


def rows(make: Callable[[int], Any]) -> dict[str, list]:
    return {key: [make(i) for i in range(LENGTH)] for key in KEYS}


def table(field: str) -> Any:
    random = np.random.default_rng(len(field))
    if field in ("train", "test", "validation"):
        return {"train": KEYS[:3], "test": KEYS[3:5], "validation": KEYS[5:]}[field]
    makers: dict[str, Callable[[int], Any]] = {
        "ids": lambda i: i,
        "speakers": lambda i: "ABC"[i % 3],
        "labels": lambda i: i % 4,
        "sentiments": lambda i: i % 2,
        "sentences": lambda i: f"sentence {i}",
        "audio": lambda i: random.normal(size=5),
        "visual": lambda i: random.normal(size=3),
    }
    return rows(makers.get(field, lambda i: random.normal(size=4)))


ORDERS = {
    "sdt": "ids speakers labels text text2 text3 text4 audio visual sentences train test",
    "sdt-meld": "ids speakers labels text text2 text3 text4 audio visual sentences train test -",
    "graphsmile": "ids speakers labels sentiments text text2 text3 text4 audio visual sentences train test -",
    "dialoguernn": "ids speakers labels text audio visual sentences train test",
    "dialoguernn-meld": "ids speakers sentiments text audio sentences train test labels",
    "mmgcn": "ids speakers labels text audio visual sentences train test -",
    "cosmic": "speakers labels text text2 text3 text4 sentences train test validation",
    "cosmic-meld": "speakers labels sentiments text text2 text3 text4 sentences train test validation",
}


@pytest.fixture
def save(tmp_path: Path) -> Callable[..., Path]:
    def write(order: str, **changed: Any) -> Path:
        fields = ORDERS[order].split()
        values = tuple(None if f == "-" else changed.get(f, table(f)) for f in fields)
        path = tmp_path / "own.pkl"
        path.write_bytes(pickle.dumps(values, 4))
        return path

    return write


@pytest.mark.parametrize("order", ORDERS)
def test_every_order_is_known_by_what_its_entries_hold(save: Callable[..., Path], order: str) -> None:
    corpus = Sdt(labels=["a", "b", "c", "d"]).read(save(order))
    fields = ORDERS[order].split()
    assert corpus.name == "own"
    assert corpus.spec.labels == ("a", "b", "c", "d")
    assert corpus.spec.speakers == 3
    assert corpus.extractors == {}
    assert set(corpus.spec.widths) == {"text", *({"audio", "visual"} & set(fields))}
    conversation = corpus.split("test")[0]
    assert [u.label for u in conversation.utterances] == list("abcdabc")
    assert [u.speaker for u in conversation.utterances] == list("ABCABCA")
    assert conversation.utterances[2].text == "sentence 2"
    assert np.array_equal(conversation.utterances[0].features["text"], np.float32(table("text")[conversation.id][0]))
    if "validation" in fields:
        assert corpus.conversation_ids("validation") == KEYS[5:]
    else:
        assert corpus.source == "own.pkl (1 conversations of no split left out)"


@pytest.mark.parametrize("order", ["graphsmile", "cosmic-meld", "dialoguernn-meld"])
def test_sentiments_are_read_where_somebody_says_what_their_numbers_mean(save: Callable[..., Path], order: str) -> None:
    path = save(order)
    named = Sdt(labels=list("abcd"), sentiments=["neutral", "positive"]).read(path)
    assert named.spec.sentiments == ("neutral", "positive")
    assert [u.sentiment for u in named.split("test")[0].utterances][:3] == ["neutral", "positive", "neutral"]
    assert all(u.sentiment is None for u in Sdt(labels=list("abcd")).read(path).split("test")[0].utterances)
    with pytest.raises(DataError, match=r"sentiment, conversation .*, row 1: "):
        Sdt(labels=list("abcd"), sentiments=["neutral"]).read(path)


def test_a_layout_without_sentiments_refuses_names_for_them(save: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match=r"the layout sdt has no sentiments\. Found --sentiments"):
        Sdt(labels=list("abcd"), sentiments=["neutral"]).read(save("sdt"))


def test_all_text_vectors_stand_side_by_side_in_one_modality(save: Callable[..., Path], tmp_path: Path) -> None:
    path = save("sdt")
    corpus = Sdt(labels=list("abcd"), text="all").read(path)
    parts = [Sdt(labels=list("abcd"), text=name).read(path) for name in ("first", "second", "third", "fourth")]
    assert corpus.spec.widths["text"] == 16 and corpus.spec.vectors == {"text": 4}
    for place, part in enumerate(parts):
        one = corpus.split("test")[0].utterances[2].features["text"].reshape(4, 4)[place]
        assert np.array_equal(one, part.split("test")[0].utterances[2].features["text"])
    corpus.write(tmp_path / "c.parquet")
    assert Corpus.read(tmp_path / "c.parquet").spec == corpus.spec
    assert corpus.with_modalities(["audio"]).spec.vectors == {}


def test_a_tuple_of_twelve_is_no_published_corpus_for_its_length_alone(save: Callable[..., Path]) -> None:
    with pytest.raises(DataError, match=r"Found the numbers 0 to 3 and nothing that proves a .*--labels A,B,C"):
        Sdt().read(save("sdt"))
    with pytest.raises(DataError, match=r"speakers of IEMOCAP are called M and F\. Found"):
        Sdt(corpus="iemocap").read(save("sdt"))


def test_names_of_labels_need_no_numbers(save: Callable[..., Path]) -> None:
    corpus = Sdt(name="mine").read(save("dialoguernn", labels=rows(lambda i: ("joy", "anger", None)[i % 3])))
    assert (corpus.name, corpus.spec.labels) == ("mine", ("anger", "joy"))
    assert [u.label for u in corpus.split("test")[0].utterances][:3] == ["joy", "anger", None]


@pytest.mark.parametrize("nothing", [-1, -100, None, float("nan")])
def test_the_marks_of_the_field_mean_unlabelled(save: Callable[..., Path], nothing: Any) -> None:
    corpus = Sdt(labels=["a", "b"]).read(save("mmgcn", labels=rows(lambda i: nothing if i else 1)))
    assert [u.label for u in corpus.split("test")[0].utterances][:2] == ["b", None]


@pytest.mark.parametrize("odd", [1.5, 1e300, 2**64 - 1, True, np.float64(0.5), -7, [0], float("inf"), 1j, {}])
def test_a_label_that_is_none_is_refused_with_its_row(save: Callable[..., Path], odd: Any) -> None:
    table = rows(lambda i: 0)
    table[KEYS[1]][4] = odd
    with pytest.raises(DataError, match=r"labels, conversation 'talk 1', row 4: .* is expected, found"):
        Sdt(labels=["a", "b"]).read(save("sdt", labels=table))


@pytest.mark.parametrize(
    ("field", "odd"),
    [
        ("ids", ["x"]),
        ("ids", 1.5),
        ("speakers", [1, 1]),
        ("speakers", [0.5, 0.5]),
        ("speakers", {"a": 1}),
        ("speakers", True),
        ("sentences", 3.5),
        ("sentences", "half \ud800"),
        ("audio", np.ones(5, complex)),
        ("audio", ["1", "2", "3", "4", "5"]),
        ("audio", [True] * 5),
        ("audio", 7),
        ("audio", np.ones((5, 2))),
        ("audio", [1.0, None, 2.0, 3.0, 4.0]),
        ("text", np.array(["a"] * 4)),
    ],
)
def test_a_value_of_another_kind_is_refused_with_its_row(save: Callable[..., Path], field: str, odd: Any) -> None:
    changed = table(field)
    changed[KEYS[1]][4] = odd
    with pytest.raises(DataError, match=f"{field}, conversation 'talk 1', row 4: "):
        Sdt(labels=list("abcd")).read(save("dialoguernn", **{field: changed}))


@pytest.mark.parametrize("field", ["ids", "speakers", "labels", "audio", "sentences"])
@pytest.mark.parametrize("odd", [None, 5, "seven..", {}])
def test_a_conversation_without_rows_is_refused_by_name(save: Callable[..., Path], field: str, odd: Any) -> None:
    with pytest.raises(DataError, match=f"{field}, conversation 'talk 1': a list of rows is expected"):
        Sdt(labels=list("abcd")).read(save("dialoguernn", **{field: {**table(field), KEYS[1]: odd}}))


def test_a_vector_that_is_none_is_missing(save: Callable[..., Path]) -> None:
    changed = table("audio")
    changed[KEYS[3]][2] = None
    corpus = Sdt(labels=list("abcd")).read(save("sdt", audio=changed))
    assert set(corpus.split("test")[0].utterances[2].features) == {"text", "visual"}


def test_what_speaks_against_each_order_is_said(save: Callable[..., Path]) -> None:
    with pytest.raises(DataError) as caught:
        Sdt().read(save("sdt", audio=7))
    assert "sdt: entry 7 should be a table of vectors (audio) by conversation, found 7" in str(caught.value)


def test_one_text_vector_has_no_second(save: Callable[..., Path]) -> None:
    with pytest.raises(UsageError, match="the layout mmgcn has one text vector"):
        Sdt(labels=list("abcd"), text="average").read(save("mmgcn"))


def test_a_conversation_in_two_splits_and_speakers_by_name_are_handled(save: Callable[..., Path]) -> None:
    assert Sdt(labels=list("abcd"), speakers=["A", "B", "C"]).read(save("sdt")).spec.speakers == ("A", "B", "C")
    with pytest.raises(DataError, match="conversation 'talk 3': stands in both train and test"):
        Sdt(labels=list("abcd")).read(save("sdt", train=KEYS[:4]))
