"""An analyzer that answers at once, servers of it, and small recordings."""

from __future__ import annotations

import io
import threading
import time
import wave
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import DataError
from crossspace.serve.app import create_app
from crossspace.serve.settings import Settings
from crossspace.serve.workspace import Workspace
from crossspace.transcripts import Transcript

LABELS = ("joy", "anger")
URL = "http://127.0.0.1:8000"


class FakeAnalyzer:
    """Calls joyful who says "joy", fails on "bad", and waits for ``gate``, ``posted_gate`` or ``live_gate``."""

    def __init__(self) -> None:
        self.predictor = SimpleNamespace(
            name="/home/somebody/runs/talk",
            causal=True,
            kind="css",
            task=SimpleNamespace(labels=LABELS, modalities=("text",)),
        )
        identity = {"name": "minilm", "version": "1"}
        self.extractors: dict[str, Any] = {"text": SimpleNamespace(identity=identity, extract=list)}
        self.name, self.wanted = "talk", dict[str, str]()
        self.in_the_box, self.card, self.transcribing = False, "# A card", None
        self.causal, self.unsure_below = True, None
        self.gate: threading.Event | None = None
        self.posted_gate: threading.Event | None = None
        self.live_gate: threading.Event | None = None
        self.began, self.seen = threading.Event(), []

    def analyze(
        self,
        media: Path | None,
        transcript: Transcript | None,
        *,
        name: str,
        conversation_id: str,
        progress: Any,
        extract: Any = None,
        track: int | None = None,
        channels: Any = None,
    ) -> Analysis:
        sound = {"track": track, "channels": channels}
        self.seen.append({"media": media, "transcript": transcript, "name": name, **sound})
        self.began.set()
        while self.gate is not None and not self.gate.wait(0.01):
            progress("text")
        lines = ["..."] if transcript is None else [cue.text for cue in transcript.cues]
        if "bad" in lines:
            raise DataError(f"{media or 'A text'} should be good. Found 'bad', for model {self.predictor.name}.")
        if "broken" in lines:
            raise ZeroDivisionError(f"in {media}")
        found = tuple(judged(Utterance(f"u{i}", "ANN", line)) for i, line in enumerate(lines))
        recording = None if media is None else {"name": name, "duration": 1.0, "audio": True, "video": False}
        return self._analysis(conversation_id, found, recording, (f"{media} was mended.",))

    def analyze_conversation(self, conversation: Conversation, notes: tuple[str, ...] = ()) -> Analysis:
        if conversation.utterances[0].text == "slow":
            time.sleep(5)
        if self.posted_gate is not None:
            self.began.set()
            self.posted_gate.wait(90)
        return self._analysis(conversation.id, tuple(map(judged, conversation.utterances)), None, notes)

    def stream(self) -> Any:
        return FakeStream(self)

    def _analysis(self, name: str, found: tuple[UtteranceAnalysis, ...], media: Any, notes: Any) -> Analysis:
        model = {"name": "talk", "kind": "css", "modalities": ["text"], "causal": True, "in_the_box": False}
        return Analysis(name, LABELS, model, media, found, notes)


class FakeStream:
    """Judges each utterance by itself, and says beside its text how many it has seen before."""

    def __init__(self, analyzer: FakeAnalyzer) -> None:
        self._analyzer, self._seen = analyzer, 0

    def push(self, utterance: Utterance) -> UtteranceAnalysis:
        found = judged(utterance)
        self._seen += 1
        gate = self._analyzer.live_gate
        if gate is not None:
            self._analyzer.began.set()
            gate.wait(90)
        return replace(found, missing={"audio": f"{self._seen - 1} before"})

    def mark(self) -> int:
        return self._seen

    def rewind(self, past: int) -> None:
        self._seen = past


def judged(u: Utterance) -> UtteranceAnalysis:
    if u.text == "bad":
        raise DataError("This utterance should be good. Found 'bad'.")
    if u.text == "broken":
        raise ZeroDivisionError
    shares = {"joy": 0.9, "anger": 0.1} if "joy" in (u.text or "") else {"joy": 0.2, "anger": 0.8}
    label = max(shares, key=shares.__getitem__)
    return UtteranceAnalysis(
        u.id, u.speaker, u.start, u.end, u.text, label, shares[label], shares, {"text": shares}, {"text": 0.3}
    )


class Here:
    """A worker without a process."""

    def __init__(self, name: str, memory: int | None = None, imports: object = ()) -> None:
        self.name = name

    def call(self, function: Callable[..., Any], *given: Any, said: Any = None) -> Any:
        return function(*given, said)

    def begin(self) -> None:
        pass

    def end(self) -> None:
        pass


@pytest.fixture(autouse=True)
def no_processes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Servers in this process do all of their work here; those of a process of their own are whole."""
    monkeypatch.setattr("crossspace.serve.state.Worker", Here)


@pytest.fixture
def analyzer() -> FakeAnalyzer:
    return FakeAnalyzer()


@pytest.fixture
def uploads(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[], list[Path]]:
    """The files that servers hold now."""
    base = tmp_path / "uploads"
    base.mkdir()
    monkeypatch.setattr("crossspace.serve.state.Workspace", lambda: Workspace(base))
    page = tmp_path / "page"
    page.mkdir()
    (page / "index.html").write_text("<h1>crossspace</h1>")
    (page / "docs.html").write_text("<h1>The API</h1>")
    monkeypatch.setattr("crossspace.serve.app.PAGE", page)
    monkeypatch.setattr("crossspace.serve.app.TIMELINE", page)
    return lambda: [path for path in base.rglob("*") if path.suffix != ".lock"]


@pytest.fixture
def open_client(analyzer: FakeAnalyzer, uploads: Any) -> Iterator[Callable[..., TestClient]]:
    """Clients of servers with the given settings."""
    opened: list[TestClient] = []

    def start(**settings: Any) -> TestClient:
        app = create_app(analyzer, Settings(**settings))  # type: ignore[arg-type]
        client = TestClient(app, base_url=URL, raise_server_exceptions=False)
        opened.append(client.__enter__())
        return client

    yield start
    for client in opened:
        client.__exit__(None, None, None)


@pytest.fixture
def client(open_client: Callable[..., TestClient]) -> TestClient:
    return open_client()


@pytest.fixture
def sound() -> Callable[[float], bytes]:
    """Makes WAV files of silence."""

    def make(seconds: float) -> bytes:
        buffer = io.BytesIO()
        with wave.open(buffer, "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(8000)
            file.writeframes(bytes(2 * round(seconds * 8000)))
        return buffer.getvalue()

    return make


@pytest.fixture
def second(sound: Callable[[float], bytes]) -> bytes:
    """A recording of one second."""
    return sound(1.0)


@pytest.fixture
def allow_time() -> Callable[[Any], None]:
    """Lets the later requests of a client whose first had to be late take as long as they need."""

    def allow(client: Any) -> None:
        state = client.app.state.crossspace
        state.settings = replace(state.settings, timeout=90.0)

    return allow
