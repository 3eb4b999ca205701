"""Every reader of files that others make: its name, a valid file, and how it reads. A new reader is one line more."""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import pickle
import wave
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fuzzing.forged import forge, shuffled
from benchmarks.fuzzing.mutations import Mutation, by_bytes, by_columns, by_header, by_json, by_members, by_words


@dataclass(frozen=True)
class Reader:
    """One reader.

    Attributes:
        name: of the reader.
        file: the file that is damaged, below a folder of its own.
        make: writes that file, and others that belong to it, into the folder.
        read: reads the file at its path, or the folder it is in.
        mutations: ways to damage it, chosen evenly.
        sealed: whether the file is protected by a digest: what is read of a damaged one must be what was written, or
            refused. ``read`` then returns something to compare.
    """

    name: str
    file: str
    make: Callable[[Path], None]
    read: Callable[[Path], Any]
    mutations: tuple[Mutation, ...] = (by_bytes,)
    sealed: bool = False


def _arrays() -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {
        "dialogue": np.repeat(["a", "b", "c"], 4),
        "turn": np.tile(np.arange(4), 3),
        "who": np.tile(["x", "y"], 6),
        "words": np.array([f"sentence {i} é" for i in range(12)]),
        "begin": np.arange(12.0),
        "emotion": np.arange(12) % 3,
        "part": np.repeat(["train", "train", "test"], 4),
        "vectors": rng.normal(size=(12, 5)).astype(np.float32),
    }


def _npz(folder: Path, save: Callable[..., None] = np.savez) -> None:
    save(folder / "x.npz", **_arrays())


def _npy(folder: Path) -> None:
    for name, array in _arrays().items():
        np.save(folder / f"{name}.npy", array)


def _import_arrays(path: Path) -> None:
    from crossspace.data.importers.arrays import Arrays

    columns = {"conversation_id": "dialogue", "position": "turn", "speaker": "who", "text": "words", "start": "begin"}
    columns |= {"label": "emotion", "split": "part"}
    Arrays(columns=columns, features={"text": "vectors"}, labels=["a", "b", "c"]).read(path)


def _import_folder(path: Path) -> None:
    _import_arrays(path.parent)


def _tables() -> tuple:
    rng = np.random.default_rng(0)
    keys = [f"Ses0{i}F_impro0{i}" for i in range(1, 6)]

    def rows(make: Callable[[int], Any]) -> dict[str, list]:
        return {key: [make(i) for i in range(7)] for key in keys}

    vectors = [rows(lambda i: rng.normal(size=4)) for _ in range(6)]
    ids = {key: [f"{key}_{i}" for i in range(7)] for key in keys}
    texts = rows(lambda i: f"text {i} é")
    return (ids, rows(lambda i: "MF"[i % 2]), rows(lambda i: i % 6), *vectors, texts, set(keys[:3]), set(keys[3:]))


def _tuple(folder: Path, protocol: int) -> None:
    (folder / "x.pkl").write_bytes(pickle.dumps(_tables(), protocol))


def _import_tuple(path: Path) -> None:
    from crossspace.data.importers.sdt import Sdt

    Sdt().read(path)


def _read_pickle(path: Path) -> None:
    from crossspace.data.foreign.unpickle import load_pickle

    load_pickle(path)


def _corpus(folder: Path) -> None:
    from crossspace.data.importers.synthetic import Synthetic

    Synthetic(train=6, validation=2, test=3).read().write(folder / "x.parquet")


def _read_corpus(path: Path) -> str:
    from crossspace.batching import batch_of
    from crossspace.data.corpus import Corpus

    corpus = Corpus.read(path)
    batch = batch_of(corpus, "all", range(len(corpus.split("all"))))
    found = hashlib.sha256(repr((corpus.conversation_ids("all"), batch.labels.tolist())).encode())
    for features in batch.features.values():
        found.update(features.numpy().tobytes())
    return found.hexdigest()


def _verify_corpus(path: Path) -> str:
    from crossspace.data.corpus import Corpus

    corpus = Corpus.read(path)
    corpus.verify()
    return corpus.fingerprint


def _validate(path: Path) -> None:
    from crossspace.data.store.validate import faults

    faults(path)


def _conversation(folder: Path) -> None:
    said = [
        {"speaker": "A", "text": "é", "start": i, "end": i + 1, "features": {"text": [0.5, 1, -2]}} for i in range(4)
    ]
    (folder / "x.json").write_text(json.dumps({"id": "c", "utterances": said}))


def _read_conversation(path: Path) -> None:
    from crossspace.data.conversation_json import read_conversation

    read_conversation(path)


_TRANSCRIPTS = {
    "srt": "1\n00:00:01,000 --> 00:00:02,500\nAda: hello\n\n2\n00:00:03,000 --> 00:00:04,000\nBen: oh\n",
    "vtt": "WEBVTT\n\n00:01.000 --> 00:02.500\n<v Ada>hello &amp; more</v>\n\n00:03.000 --> 00:04.000\nBen: oh\n",
    "csv": 'speaker,text,start,end\nAda,hello,1.0,2.5\nBen,"oh, well",3,4\n',
    "json": json.dumps({"utterances": [{"speaker": "Ada", "text": "hello", "start": 1.0, "end": 2.5}] * 3}),
    "tsv": "Ada\t\t0.500\t2.000\t1.500\thello you\nBen\t\t2.100\t4.000\t1.900\toh, well\n",
    "txt": "Ada: hello\nBen: oh\nAda: well\n",
    "eaf": '<ANNOTATION_DOCUMENT><TIME_ORDER><TIME_SLOT TIME_SLOT_ID="t1" TIME_VALUE="500"/><TIME_SLOT '
    'TIME_SLOT_ID="t2" TIME_VALUE="900"/></TIME_ORDER><TIER TIER_ID="Ada"><ANNOTATION>'
    '<ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" '
    'TIME_SLOT_REF1="t1" TIME_SLOT_REF2="t2"><ANNOTATION_VALUE>hello</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION>'
    '</ANNOTATION></TIER><TIER TIER_ID="emotion" PARENT_REF="Ada"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a2" '
    'ANNOTATION_REF="a1"><ANNOTATION_VALUE>joy</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION></TIER>'
    "</ANNOTATION_DOCUMENT>",
    "ttml": '<tt ttp:frameRate="25"><head><ttm:agent xml:id="a"><ttm:name>Ada</ttm:name></ttm:agent></head><body><div>'
    '<p begin="00:00:01:10" dur="1.5s" ttm:agent="a">hello<br/><span>you</span></p></div></body></tt>',
    "TextGrid": 'File type = "ooTextFile"\nObject class = "TextGrid"\n\n0\n9\n<exists>\n2\n"IntervalTier"\n"Ada"\n0\n'
    '9\n1\n0\n1.5\n"say ""no"""\n"TextTier"\n"Ben"\n0\n9\n1\n2\n"oh"\n',
    "cha": "@Begin\n@Participants:\tADA Ada Child, BEN Father\n*ADA:\thello <you> [//] you (.) \x15500_900\x15\n%mor:\t"
    "x\n*BEN:\t&=laughs xxx +...\n@End\n",
    "rttm": "SPEAKER talk 1 0.5 1.5 <NA> <NA> Ada <NA> <NA>\nSPEAKER talk 1 2.1 1.9 <NA> <NA> Ben <NA> <NA>\n",
    "ass": "[Script Info]\n\n[Events]\nFormat: Start, End, Name, Text\nDialogue: 0:00:00.50,0:00:02.00,Ada,hello {\\i1}"
    "you\\N{\\p1}m 0 0{\\p0}\n",
    "sub": "{1}{1}25.000\n{25}{50}{y:i}hello|Ada: you\n{75}{}oh\n",
    "sbv": "0:00:00.500,0:00:02.000\nAda: hello\n\n0:00:02.100,0:00:04.000\noh\n",
    "lrc": "[ti:talk]\n[offset:500]\n[00:01.50]hello\n[00:03.00]\n[00:04.00][00:06.00]oh\n",
}
_WORDS_SAID = [{"word": w, "start": n / 2, "end": n / 2 + 0.4, "speaker": n // 2} for n, w in enumerate("abcd")]
_SERVICES = {
    "WhisperX": {"segments": [{"start": 0.0, "end": 2.0, "text": "a b c d", "words": _WORDS_SAID}]},
    "Deepgram": {"results": {"channels": [{"alternatives": [{"transcript": "a b c d", "words": _WORDS_SAID}]}]}},
    "Google": {
        "results": [{"alternatives": [{"words": [{"word": "a", "startTime": "1.5s", "speakerTag": 1}] * 3}]}] * 2
    },
    "Azure": {"recognizedPhrases": [{"offset": "PT1.5S", "durationInTicks": 7, "nBest": [{"display": "a"}]}] * 3},
}


def _document(folder: Path) -> None:
    paragraphs = "".join(f"<w:p><w:r><w:t>{line}</w:t><w:br/></w:r></w:p>" for line in ("Ada: hello", "Ben: oh"))
    with zipfile.ZipFile(folder / "x.docx", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", f'<w:document xmlns:w="w"><w:body>{paragraphs}</w:body></w:document>')


def _written(text: str, name: str, folder: Path) -> None:
    (folder / name).write_text(text, encoding="utf-8")


def _read_transcript(path: Path) -> None:
    from crossspace.transcripts import read_transcript

    read_transcript(path)


_CONFIGURATION = """model:
  name: css
  width: 32
balancer:
  name: pgm
training:
  epochs: 3
  batch_size: 8
"""


def _read_configuration(path: Path) -> None:
    from crossspace.configuration import read_configuration

    read_configuration(None, path, [])


_STUDY = """variants:
  plain:
    about: as published
    model: {name: bc-lstm, width: 8}
  wide:
    model: {name: bc-lstm, width: 16}
conditions: {of: plain, rates: [0.5, 1]}
reference: plain
"""


def _study(folder: Path) -> None:
    _corpus(folder)
    _written(_STUDY, "x.yaml", folder)


def _read_study(path: Path) -> None:
    from crossspace.configuration import read_yaml
    from crossspace.data.corpus import Corpus
    from crossspace.studies.plan import plan

    plan(read_yaml(path), Corpus.read(path.parent / "x.parquet"), name="x")


def _run(folder: Path) -> None:
    from crossspace.cli.main import main

    _corpus(folder)
    words = ["train", "--data", str(folder / "x.parquet"), "--out", str(folder / "run"), "--model", "bc-lstm"]
    with contextlib.redirect_stdout(io.StringIO()):
        if main([*words, "--model.width", "8", "--training.epochs", "1", "--quiet"]):
            raise RuntimeError("the run whose files are to be damaged could not be made")


def _read_run(path: Path) -> None:
    from crossspace.evaluation.run_folder import RunRecord

    RunRecord.read(path.parent)


def _read_model(path: Path) -> None:
    from crossspace.predict import Predictor

    Predictor.from_pretrained(path.parents[1])


_WORDS = (by_words, by_words, by_bytes)
_JSON = (by_json, by_json, by_words, by_bytes)
_RUN_FILES = ("environment.json", "results.json", "history.jsonl")


def _wav(folder: Path) -> None:
    """Samples that the header counts too short, with a tag behind them."""
    with wave.open(str(folder / "x.wav"), "wb") as file:
        file.setparams((1, 2, 8000, 0, "NONE", ""))
        file.writeframes(bytes(range(200)))
    content = bytearray((folder / "x.wav").read_bytes()) + b"LIST\x0c\0\0\0INFOISFT\0\0\0\0"
    content[40] = 20
    (folder / "x.wav").write_bytes(content)


def _find_samples(path: Path) -> None:
    from crossspace.features.media.sample_range import samples_in

    samples_in(path)


READERS: tuple[Reader, ...] = (
    Reader("pickle", "x.pkl", partial(_tuple, protocol=2), _read_pickle, (forge, forge, shuffled)),
    *(
        Reader(f"tables, protocol {n}", "x.pkl", partial(_tuple, protocol=n), _import_tuple, (shuffled, by_bytes))
        for n in (0, 2, 4, 5)
    ),
    Reader("arrays, npz", "x.npz", _npz, _import_arrays, (by_members, by_members, by_bytes)),
    Reader("arrays, packed", "x.npz", partial(_npz, save=np.savez_compressed), _import_arrays, (by_members, by_bytes)),
    *(
        Reader(f"arrays, {name}.npy", f"{name}.npy", _npy, _import_folder, (by_header, by_bytes))
        for name in ("vectors", "words", "turn", "emotion")
    ),
    Reader("corpus", "x.parquet", _corpus, _read_corpus, (by_bytes, by_columns)),
    Reader("corpus, verified", "x.parquet", _corpus, _verify_corpus, (by_bytes, by_columns), sealed=True),
    Reader("corpus, validated", "x.parquet", _corpus, _validate, (by_bytes, by_columns)),
    Reader("conversation", "x.json", _conversation, _read_conversation, _JSON),
    *(
        Reader(f"transcript, {kind}", f"x.{kind}", partial(_written, text, f"x.{kind}"), _read_transcript,
               _JSON if kind == "json" else _WORDS)
        for kind, text in _TRANSCRIPTS.items()
    ),
    Reader("transcript, docx", "x.docx", _document, _read_transcript, (by_bytes,)),
    *(
        Reader(f"transcript, {kind}", "x.json", partial(_written, json.dumps(said), "x.json"), _read_transcript, _JSON)
        for kind, said in _SERVICES.items()
    ),
    Reader("recording, wav", "x.wav", _wav, _find_samples, (by_bytes,)),
    Reader("configuration", "x.yaml", partial(_written, _CONFIGURATION, "x.yaml"), _read_configuration, _WORDS),
    Reader("study", "x.yaml", _study, _read_study, _WORDS),
    *(Reader(f"run, {name}", f"run/{name}", _run, _read_run, _JSON) for name in _RUN_FILES),
    Reader("run, predictions", "run/predictions.parquet", _run, _read_run, (by_bytes, by_columns)),
    *(
        Reader(f"model, {name}", f"run/seed-0/{name}", _run, _read_model, mutations)
        for name, mutations in (("config.json", _JSON), ("result.json", _JSON), ("model.safetensors", (by_bytes,)))
    ),
)  # fmt: skip
"""All of them. Of recordings only what finds their samples: what decodes them is a library, in a process of its own."""
