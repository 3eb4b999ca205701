from __future__ import annotations

import csv
import io
import json
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

from crossspace.analysis.analysis import Analysis, UtteranceAnalysis
from crossspace.data.conversation import Conversation, Utterance
from crossspace.errors import UsageError

av = pytest.importorskip("av")
uvicorn = pytest.importorskip("uvicorn")
pytest.importorskip("fastapi")

from crossspace.serve.app import create_app  # noqa: E402
from crossspace.serve.settings import Settings  # noqa: E402

SECONDS = 6
TRANSCRIPT = "WEBVTT\n\n" + "\n".join(
    f"00:00:0{1.5 * place:.3f} --> 00:00:0{1.5 * place + 1.2:.3f}\n<v {('Ann', 'Ben')[place % 2]}>words {place}\n"
    for place in range(4)
)


@pytest.fixture(scope="session")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A picture that moves over a tone that swells, as WebM."""
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

    extractors: dict[str, Any] = {}
    in_the_box = True
    card = "# tiny\n\nKnows **three** emotions.\n\n## Not for\n\n- judging <img src=x onerror='window.hurt = 1'>\n"

    def __init__(self, make: Callable[..., Analysis]) -> None:
        model = SimpleNamespace(name="css", causal=True)
        task = SimpleNamespace(labels=("neutral", "joy", "anger"), modalities=("text", "audio", "visual"))
        self.predictor = SimpleNamespace(name="tiny", model=model, task=task)
        self.make, self.count, self.fault, self.wait = make, 4, "", threading.Event()
        self.wait.set()

    def analyze(
        self, media: Path | None, transcript: Path | None, *, name: str, conversation_id: str, progress: Any
    ) -> Analysis:
        self.wait.wait(30)
        if self.fault:
            raise UsageError(self.fault)
        known = {"name": name, "duration": float(SECONDS), "audio": True, "video": True} if media else None
        return replace(self.make(self.count), conversation_id=conversation_id, media=known)

    def analyze_conversation(self, conversation: Conversation) -> Analysis:
        answer = self.make(len(conversation.utterances), timed=False)
        said = zip(answer.utterances, conversation.utterances, strict=True)
        own = tuple(replace(one, speaker=posted.speaker, text=posted.text) for one, posted in said)
        return replace(answer, conversation_id=conversation.id, utterances=own)

    def stream(self) -> Any:
        def push(posted: Utterance) -> UtteranceAnalysis:
            one = self.make(1, timed=False).utterances[0]
            return replace(one, id=posted.id, speaker=posted.speaker, text=posted.text)

        return SimpleNamespace(push=push)


@pytest.fixture
def analyzer(make_analysis: Callable[..., Analysis]) -> Analyzer:
    return Analyzer(make_analysis)


@pytest.fixture
def serve(analyzer: Analyzer) -> Iterator[Callable[..., str]]:
    """Starts the server on a free port and says its address."""
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
        context = browser.new_context(viewport={"width": width, "height": 800}, **options)
        contexts.append(context)
        page = context.new_page()

        def hear(message: Any) -> None:
            if message.type in ("error", "warning") and not (expected and re.search(expected, message.text)):
                complaints.append(message.text)

        page.on("console", hear)
        page.on("pageerror", lambda error: complaints.append(str(error)))
        own = re.compile(f"(blob:)?{re.escape(address)}|{re.escape(address.replace('http', 'ws'))}")
        page.on("request", lambda request: complaints.append(request.url) if not own.match(request.url) else None)
        page.goto(address)
        page.set_default_timeout(15000)
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


def words(text: str) -> str:
    return re.sub(r"\s+", " ", text)


def test_a_recording_can_be_seen_heard_and_explained(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.get_by_role("heading", name="talk.webm").wait_for()
    page.locator("#wave [part~=region]").nth(3).wait_for()
    assert page.locator(".tl-block").count() == page.get_by_role("option").count() == 4
    page.get_by_role("option").nth(1).click()
    page.wait_for_function("document.querySelector('video').currentTime > 1.5")
    page.locator("[aria-current=true]").wait_for()
    why = words(page.get_by_role("region", name="Why").inner_text())
    for expected in ("Ben", "words 1", "joy 60%", "neutral 50%", "+31", "−8", "Missing: no face was seen"):
        assert expected in why


def test_a_click_on_the_waveform_chooses_the_utterance(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.locator("#wave [part~=region]").nth(2).click()
    assert "words 2" in page.get_by_role("region", name="Why").inner_text()
    assert page.get_by_role("option", selected=True).inner_text().startswith("0:03")


def test_the_keyboard_alone_is_enough(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.locator("#wave [part~=region]").first.wait_for()
    page.keyboard.press("j")
    page.keyboard.press("j")
    assert "words 1" in page.get_by_role("region", name="Why").inner_text()
    page.keyboard.press("k")
    assert "words 0" in page.get_by_role("region", name="Why").inner_text()
    page.keyboard.press("Space")
    page.wait_for_function("!document.querySelector('video').paused")
    page.keyboard.press("Space")
    page.wait_for_function("document.querySelector('video').paused")
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    assert "words 3" in page.get_by_role("region", name="Why").inner_text()
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keys").get_by_label("Keys work everywhere").uncheck()
    page.keyboard.press("Escape")
    page.get_by_role("main").focus()
    page.keyboard.press("k")
    assert "words 3" in page.get_by_role("region", name="Why").inner_text()


def test_one_speaker_and_one_emotion_can_be_shown_alone(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None]
) -> None:
    page = open_page(serve())
    upload(page)
    page.get_by_role("button", name="Ben").click()
    assert [row.split()[1] for row in page.locator(".tl-item:visible").all_inner_texts()] == ["Ben", "Ben"]
    page.get_by_role("button", name="joy").click()
    assert page.locator(".tl-item:visible").count() == 1
    assert page.get_by_text("1 of 4 utterances").is_visible()
    page.get_by_role("button", name="Everyone").click()
    page.get_by_role("button", name="joy").click()
    assert page.locator(".tl-item:visible").count() == 4


def test_exports_say_what_the_server_said(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Analyzer
) -> None:
    page = open_page(serve())
    upload(page)
    saved = {}
    for name in ("JSON", "CSV", "WebVTT"):
        with page.expect_download() as download:
            page.get_by_role("button", name=name).click()
        saved[name] = download.value.path().read_text(encoding="utf-8")
        assert download.value.suggested_filename == f"talk.webm.{name.lower().replace('webvtt', 'vtt')}"
    truth = json.loads(json.dumps(replace(analyzer.make(), conversation_id="talk.webm").to_dict()))
    assert {**json.loads(saved["JSON"]), "media": None} == truth
    rows = list(csv.DictReader(io.StringIO(saved["CSV"])))
    assert [(row["utterance_id"], row["label"], float(row["p_joy"])) for row in rows] == [
        (one["id"], one["label"], one["probabilities"]["joy"]) for one in truth["utterances"]
    ]
    assert "00:00:01.500 --> 00:00:02.700\n<v Ben><c.joy>words 1</c>" in saved["WebVTT"]


def test_a_pasted_conversation_needs_no_file_and_its_words_stay_words(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Paste").click()
    hostile = "</script><img src=x onerror='window.hurt = 1'>"
    page.get_by_label("A conversation, one utterance a line").fill(
        f"ANN: You are late: again.\nBEN: {hostile}\nand more from Ben\n\n"
    )
    assert page.get_by_text("3 utterances").is_visible()
    page.get_by_role("button", name="Analyze").click()
    page.get_by_role("option").nth(2).wait_for()
    assert page.locator(".tl-text").all_text_contents() == ["You are late: again.", hostile, "and more from Ben"]
    assert page.locator(".tl-speaker").all_text_contents() == ["ANN", "BEN", "BEN"]
    assert page.evaluate("window.hurt") is None and page.locator("main img").count() == 0
    assert page.get_by_role("button", name="WebVTT").is_disabled()
    page.get_by_role("button", name="Start anew").click()
    assert page.get_by_label("A conversation, one utterance a line").is_visible()


def test_the_example_works_at_once(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve())
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("option").nth(15).wait_for()


def test_a_live_conversation_grows_by_one_utterance_at_a_time(
    serve: Callable[..., str], open_page: Callable[..., Any]
) -> None:
    page = open_page(serve())
    page.get_by_role("tab", name="Live").click()
    for place, text in enumerate(("You are late.", "I know.", "Again!")):
        page.get_by_label("Says").fill(text)
        page.keyboard.press("Enter")
        page.get_by_role("option").nth(place).wait_for()
        page.get_by_role("button", name="Other speaker").click()
    assert page.locator(".tl-speaker").all_text_contents() == ["ANN", "BEN", "ANN"]
    with page.expect_download() as download:
        page.get_by_role("button", name="JSON").click()
    saved = json.loads(download.value.path().read_text(encoding="utf-8"))
    assert saved["speakers"] == ["ANN", "BEN"] and saved["arcs"]["ANN"]["utterances"] == 2


def test_a_refusal_is_shown_and_the_choice_is_kept(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Analyzer
) -> None:
    analyzer.fault = "The transcript ends before it begins. Send one whose cues are in order."
    page = open_page(serve(), expected="422")
    upload(page)
    page.get_by_role("alert").get_by_text("Send one whose cues are in order.").wait_for()
    assert page.get_by_text("talk.vtt").is_visible()
    analyzer.fault = ""
    page.get_by_role("button", name="Analyze").click()
    page.get_by_role("option").first.wait_for()
    assert not page.locator("#error").is_visible()


def test_a_server_that_is_gone_is_said_to_be_so(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(), expected="ERR_")
    page.get_by_text("Model: tiny").wait_for()
    page.route("**/v1/predict", lambda route: route.abort())
    page.get_by_role("button", name="Try an example").click()
    page.get_by_role("alert").get_by_text("The server cannot be reached.").wait_for()


def test_work_can_be_cancelled(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Analyzer
) -> None:
    analyzer.wait.clear()
    page = open_page(serve())
    upload(page)
    page.get_by_role("progressbar").wait_for()
    page.get_by_role("button", name="Cancel").click()
    assert page.get_by_role("button", name="Analyze").is_enabled()
    assert page.get_by_role("progressbar").count() == 0


def test_the_token_is_asked_for_once(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(token="sesame"), expected="401")
    dialog = page.get_by_role("dialog", name="This server asks for a token")
    dialog.get_by_label("Token").fill("wrong")
    dialog.get_by_role("button", name="Go on").click()
    dialog.get_by_text("The server did not accept this token.").wait_for()
    dialog.get_by_label("Token").fill("sesame")
    dialog.get_by_role("button", name="Go on").click()
    page.get_by_text("Model: tiny").wait_for()
    page.reload()
    page.get_by_text("Model: tiny").wait_for()
    page.get_by_role("tab", name="Live").click()
    page.get_by_label("Says").fill("Hello.")
    page.keyboard.press("Enter")
    page.get_by_role("option").wait_for()


def test_the_card_is_shown_as_text(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve())
    assert page.get_by_text("What this is not for.").is_visible()
    page.get_by_role("button", name="Read the model card").click()
    card = page.get_by_role("dialog", name="Model card")
    assert card.get_by_role("heading", name="tiny").is_visible() and card.locator("strong").inner_text() == "three"
    assert "<img" in card.inner_text() and card.locator("img").count() == 0


def test_a_recording_that_the_browser_cannot_play_still_has_its_timeline(
    serve: Callable[..., str], open_page: Callable[..., Any], recording: Path, tmp_path: Path
) -> None:
    path = tmp_path / "talk.avi"
    with av.open(str(path), "w") as container:
        picture = container.add_stream("mpeg4", rate=10)
        picture.width, picture.height, picture.pix_fmt = 64, 64, "yuv420p"
        for _ in range(10):
            container.mux(picture.encode(av.VideoFrame(64, 64, "yuv420p")))
        container.mux(picture.encode(None))
    page = open_page(serve(), expected="blob|media|ERR_")
    page.locator("#media").set_input_files(path)
    page.get_by_role("button", name="Analyze").click()
    page.get_by_text("This browser cannot play talk.avi.").wait_for()
    assert page.get_by_role("option").count() == 4


def test_two_thousand_utterances_are_all_there(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], analyzer: Analyzer
) -> None:
    analyzer.count = 2000
    page = open_page(serve())
    upload(page)
    page.get_by_role("option").nth(1999).wait_for(state="attached")
    page.get_by_role("listbox").focus()
    page.keyboard.press("End")
    assert "words 1999" in page.get_by_role("region", name="Why").inner_text()
    page.get_by_role("button", name="Zoom in").click()
    assert page.locator(".tl-block").count() == 2000


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_overflows_a_phone_and_everything_can_be_read(
    serve: Callable[..., str], open_page: Callable[..., Any], upload: Callable[[Any], None], scheme: str
) -> None:
    page = open_page(serve(), width=360, color_scheme=scheme)

    def check() -> None:
        assert page.evaluate("document.documentElement.scrollWidth") <= 360
        assert page.evaluate(FAULTS) == []

    for tab in ("Paste", "Live", "Recording"):
        page.get_by_role("tab", name=tab).click()
        check()
    upload(page)
    page.locator("#wave [part~=region]").first.wait_for()
    check()
    page.get_by_role("option").nth(1).click()
    check()
    page.get_by_role("button", name="Close the explanation").click()
    assert not page.get_by_role("option", selected=True).count()


def test_the_theme_can_be_chosen_and_is_kept(serve: Callable[..., str], open_page: Callable[..., Any]) -> None:
    page = open_page(serve(), color_scheme="light")
    background = "getComputedStyle(document.body).backgroundColor"
    light = page.evaluate(background)
    page.get_by_role("button", name="Change to dark colours").click()
    dark = page.evaluate(background)
    page.reload()
    assert page.evaluate(background) == dark != light


FAULTS = """() => {
  const faults = [];
  const seen = (node) => node.checkVisibility({ visibilityProperty: true }) && node.getClientRects().length > 0;
  const all = (what) => [...document.querySelectorAll(what)].filter(seen);
  for (const node of all("button, a, input, textarea, select, [tabindex='0']")) {
    const label = node.getAttribute("aria-label") || node.getAttribute("aria-labelledby") || node.textContent.trim();
    if (!label && !node.labels?.length) faults.push(`no name: ${node.outerHTML.slice(0, 80)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of ids) if (ids.indexOf(id) !== ids.lastIndexOf(id)) faults.push(`two with the id ${id}`);
  let last = 0;
  for (const heading of all("h1, h2, h3, h4")) {
    const level = Number(heading.tagName[1]);
    if (level > last + 1) faults.push(`${heading.textContent}: h${level} after h${last}`);
    last = level;
  }
  const canvas = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const rgba = (colour) => {
    canvas.clearRect(0, 0, 1, 1);
    canvas.fillStyle = colour;
    canvas.fillRect(0, 0, 1, 1);
    return [...canvas.getImageData(0, 0, 1, 1).data];
  };
  const light = ([r, g, b]) => {
    const [x, y, z] = [r, g, b].map((v) => v / 255).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
    return 0.2126 * x + 0.7152 * y + 0.0722 * z;
  };
  const behind = (node) => {
    for (let at = node; at; at = at.parentElement) {
      const colour = rgba(getComputedStyle(at).backgroundColor);
      if (colour[3] === 255) return colour;
    }
    return [255, 255, 255, 255];
  };
  const texts = all("body *").filter((node) => !node.closest("svg, :disabled, [aria-hidden=true]")
    && [...node.childNodes].some((child) => child.nodeType === 3 && child.data.trim()));
  for (const node of texts) {
    const [one, other] = [light(rgba(getComputedStyle(node).color)), light(behind(node))].sort((a, b) => b - a);
    if ((one + 0.05) / (other + 0.05) < 4.5) faults.push(`contrast: ${node.outerHTML.slice(0, 80)}`);
  }
  return faults;
}"""
"""Basics of accessibility: names, ids, order of headings, contrast of text."""
