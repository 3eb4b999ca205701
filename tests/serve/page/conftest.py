"""A recording, the server with known answers, and a browser that may ask nobody else."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from playwright.sync_api import expect

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import UsageError
from crossspace.transcripts import Transcript

SECONDS = 6
PATIENCE = 90
"""Seconds until what never comes is missed; long, since nothing that comes waits for it."""
TRANSCRIPT = """WEBVTT

00:00:00.000 --> 00:00:01.200
<v Ann>words 0

00:00:01.500 --> 00:00:02.700
<v Ben>words 1
"""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """All of them drive a browser."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.long)


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that moves over a tone that swells, as WebM."""
    av = pytest.importorskip("av")
    path = tmp_path_factory.mktemp("media") / "talk.webm"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("libvpx", rate=10)
        picture.width, picture.height, picture.pix_fmt = 160, 90, "yuv420p"
        sound = container.add_stream("libopus", rate=48000)
        sound.layout = "mono"
        for number in range(10 * SECONDS):
            image = np.full((90, 160, 3), 40, np.uint8)
            image[:, 2 * number : 2 * number + 20] = 200
            container.mux(picture.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        times = np.arange(48000 * SECONDS) / 48000
        wave = (np.sin(2 * np.pi * 220 * times) * (0.2 + 0.1 * times) * 9000).astype(np.int16)
        frame = av.AudioFrame.from_ndarray(wave[None], format="s16", layout="mono")
        frame.sample_rate, frame.pts = 48000, 0
        container.mux(sound.encode(frame))
        container.mux(picture.encode(None))
        container.mux(sound.encode(None))
    return path


class Analyzer:
    """What the server asks of an analyzer, with known answers: the page is tested here, not the model."""

    in_the_box = True
    causal = True
    unsure_below = None
    card = "# tiny\n\nKnows **three** emotions.\n\n## Not for\n\n- judging <img src=x onerror='window.hurt = 1'>\n"

    def __init__(self, make: Callable[..., Analysis]) -> None:
        task = SimpleNamespace(labels=("neutral", "joy", "anger"), modalities=("text", "audio", "visual"))
        self.predictor = SimpleNamespace(name="tiny", kind="css", task=task, causal=True)
        self.name = "tiny"
        self.media = {"name": "talk.webm", "duration": float(SECONDS), "audio": True, "video": True}
        self.extractors: dict[str, Any] = {}
        self.wanted: dict[str, str] = {}
        self.make, self.count, self.fault, self.wait = make, 4, "", threading.Event()
        self.wait.set()

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
        self.wait.wait(30)
        if self.fault:
            raise UsageError(self.fault)
        if media is None and transcript is not None:
            return self.read(transcript, conversation_id)
        known = {**self.media, "name": name} if media else None
        return replace(self.make(self.count), conversation_id=conversation_id, media=known)

    def read(self, transcript: Transcript, conversation_id: str) -> Analysis:
        answer = self.make(len(transcript.cues), timed=False)
        own = tuple(
            replace(one, speaker=cue.speaker, text=cue.text, start=cue.start, end=cue.end)
            for one, cue in zip(answer.utterances, transcript.cues, strict=True)
        )
        return replace(answer, conversation_id=conversation_id, utterances=own, notes=transcript.notes)

    def analyze_conversation(self, conversation: Conversation, notes: tuple[str, ...] = ()) -> Analysis:
        answer = self.make(len(conversation.utterances), timed=False)
        said = zip(answer.utterances, conversation.utterances, strict=True)
        own = tuple(replace(one, speaker=posted.speaker, text=posted.text) for one, posted in said)
        return replace(answer, conversation_id=conversation.id, utterances=own)

    def stream(self) -> Any:
        def push(posted: Utterance) -> UtteranceAnalysis:
            one = self.make(1, timed=False).utterances[0]
            return replace(one, id=posted.id, speaker=posted.speaker, text=posted.text)

        return SimpleNamespace(push=push, mark=lambda: None, rewind=lambda past: None)


@pytest.fixture
def analyzer(make_analysis: Callable[..., Analysis]) -> Analyzer:
    return Analyzer(make_analysis)


@pytest.fixture
def serve(analyzer: Analyzer) -> Iterator[Callable[..., str]]:
    """Starts the server on a free port and says its address."""
    uvicorn = pytest.importorskip("uvicorn")
    pytest.importorskip("fastapi")
    from crossspace.serve.app import create_app
    from crossspace.serve.settings import Settings

    running: list[tuple[Any, threading.Thread]] = []

    def start(**settings: Any) -> str:
        app = create_app(analyzer, Settings(**settings))  # type: ignore[arg-type]
        server = uvicorn.Server(uvicorn.Config(app, port=0, log_level="error", timeout_graceful_shutdown=1))
        thread = threading.Thread(target=server.run, daemon=True)
        thread.start()
        running.append((server, thread))
        while not server.started:
            time.sleep(0.01)
        return f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}/"

    yield start
    analyzer.wait.set()
    for server, thread in running:
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def open_page(browser: Any) -> Iterator[Callable[..., Any]]:
    """Opens a page; afterwards there must have been no request to another origin and no complaint of the browser."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def open_it(address: str, width: int = 1200, expected: str = "", **options: Any) -> Any:
        # Without motion: what slides away between the press and the release of a click is not clicked.
        context = browser.new_context(viewport={"width": width, "height": 800}, reduced_motion="reduce", **options)
        contexts.append(context)
        page = context.new_page()

        def hear(message: Any) -> None:
            if message.type in ("error", "warning") and not (expected and re.search(expected, message.text)):
                complaints.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        own = re.compile(f"(blob:)?{re.escape(address)}|{re.escape(address.replace('http', 'ws'))}")
        page.on("request", lambda request: complaints.append(request.url) if not own.match(request.url) else None)
        page.set_default_timeout(1000 * PATIENCE)
        expect.set_options(timeout=1000 * PATIENCE)
        page.goto(address)
        return page

    yield open_it
    for context in contexts:
        context.close()
    assert complaints == []


@pytest.fixture
def upload(recording: Path) -> Callable[[Any], None]:
    """Chooses the recording and its transcript and presses Analyze."""

    def act(page: Any) -> None:
        page.locator("#media").set_input_files(recording)
        page.locator("#transcript").set_input_files(
            {"name": "talk.vtt", "mimeType": "text/vtt", "buffer": TRANSCRIPT.encode()}
        )
        page.get_by_role("button", name="Analyze").click()

    return act
