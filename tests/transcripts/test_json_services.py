"""JSON as recognisers and services write it: all say the same two sentences."""

from __future__ import annotations

import json
from typing import Any

import pytest

from crossspace.errors import DataError
from crossspace.transcripts.formats.json_file import SERVICES, parse_json

WORDS = [
    ("A", "Hello,", 0.5, 0.8), ("A", "I", 0.9, 1.0), ("A", "am", 1.0, 1.2), ("A", "glad.", 1.2, 2.0),
    ("B", "Thanks", 2.1, 2.6), ("B", "a", 2.6, 2.7), ("B", "lot.", 2.7, 4.0),
]  # fmt: skip
SAID = {"A": "Hello, I am glad.", "B": "Thanks a lot."}
TIMES = {"A": (0.5, 2.0), "B": (2.1, 4.0)}
NUMBERS = {"A": 0, "B": 1}


def of(speaker: str) -> list[tuple[str, float, float]]:
    return [word[1:] for word in WORDS if word[0] == speaker]


def each(make: Any) -> list[Any]:
    return [make(speaker, *TIMES[speaker], SAID[speaker]) for speaker in SAID]


def items(punctuation: bool = True, **more: Any) -> dict[str, Any]:
    made: list[dict[str, Any]] = []
    for _, word, start, end in WORDS:
        plain = word.rstrip(",.")
        made.append({"type": "pronunciation", "start_time": str(start), "end_time": str(end),
                     "alternatives": [{"confidence": "0.9", "content": plain}]})  # fmt: skip
        if word != plain:
            made.append({"type": "punctuation", "alternatives": [{"confidence": "0.0", "content": word[-1]}]})
    return {"jobName": "x", "results": {"transcripts": [{"transcript": "x"}], "items": made, **more}}


def labels(speaker: str, start: float, end: float, said: str) -> dict[str, Any]:
    own = [{"start_time": str(a), "end_time": str(b), "speaker_label": speaker} for _, a, b in of(speaker)]
    return {"start_time": str(start), "end_time": str(end), "speaker_label": speaker, "items": own}


def deepgram(**best: Any) -> dict[str, Any]:
    return {"metadata": {"duration": 4.0}, "results": {"channels": [{"alternatives": [{"transcript": "x", **best}]}]}}


def google(words: list[Any], *before: Any) -> dict[str, Any]:
    return {"results": [*before, {"alternatives": [{"words": words}]}]}


def clock(time: float) -> str:
    return f"00:00:0{time:.3f}".replace(".", ",")


def ticks(time: float) -> int:
    return round(time * 10_000_000)


FILES: dict[str, tuple[Any, str]] = {
    "Whisper": (
        {"text": "x", "language": "en", "segments": each(lambda s, a, b, t: {
            "id": 0, "seek": 0, "start": a, "end": b, "text": f" {t}", "tokens": [1], "avg_logprob": -0.2})}, ""),
    "whisper.cpp": (
        {"systeminfo": "", "result": {"language": "en"}, "transcription": each(lambda s, a, b, t: {
            "timestamps": {"from": clock(a), "to": clock(b)}, "offsets": {"from": a * 1000, "to": b * 1000},
            "text": f" {t}"})}, ""),
    "WhisperX": (
        {"segments": [{"start": 0.5, "end": 4.0, "text": f" {' '.join(SAID.values())}", "speaker": "A", "words": [
            {"word": w, "start": a, "end": b, "score": 0.9, **({} if w == "am" else {"speaker": s})}
            for s, w, a, b in WORDS]}], "word_segments": []}, "AB"),
    "chunks": ({"text": "x", "chunks": each(lambda s, a, b, t: {"timestamp": [a, b], "text": f" {t}"})}, ""),
    "chunks of words": (
        {"text": "x", "chunks": [{"timestamp": [a, b], "text": f" {w}", "type": "word", "speaker": s}
                                 for s, w, a, b in WORDS]}, "AB"),
    "chunks and speakers": (
        {"speakers": each(lambda s, a, b, t: {"speaker": s, "timestamp": [a, b], "text": t}),
         "chunks": [{"timestamp": [0.5, 4.0], "text": "x"}]}, "AB"),
    "AssemblyAI": (
        {"audio_duration": 4, "words": [], "utterances": each(lambda s, a, b, t: {
            "speaker": s, "start": int(a * 1000), "end": int(b * 1000), "text": t, "confidence": 0.9})}, "AB"),
    "AssemblyAI, words": (
        {"audio_duration": 4, "utterances": None, "words": [
            {"text": w, "start": int(a * 1000), "end": int(b * 1000), "speaker": s} for s, w, a, b in WORDS]}, "AB"),
    "Deepgram": (
        {**deepgram(), "results": {**deepgram()["results"], "utterances": each(lambda s, a, b, t: {
            "start": a, "end": b, "transcript": t, "speaker": NUMBERS[s], "channel": 0, "words": []})}}, "01"),
    "Deepgram, words": (
        deepgram(words=[{"word": w.lower().rstrip(",."), "punctuated_word": w, "start": a, "end": b,
                         "speaker": NUMBERS[s]} for s, w, a, b in WORDS]), "01"),
    "Deepgram, paragraphs": (
        deepgram(words=[], paragraphs={"paragraphs": each(lambda s, a, b, t: {
            "speaker": NUMBERS[s], "sentences": [{"text": t, "start": a, "end": b}]})}), "01"),
    "Amazon": (items(speaker_labels={"segments": each(labels)}), "AB"),
    "Amazon, segments": (
        items(audio_segments=each(lambda s, a, b, t: {
            "transcript": t, "start_time": str(a), "end_time": str(b), "speaker_label": s})), "AB"),
    "Amazon, channels": (
        items(channel_labels={"channels": [{"channel_label": s, "items": [
            {"start_time": str(a), "end_time": str(b)} for _, a, b in of(s)]} for s in SAID]}), "AB"),
    "Speechmatics": (
        {"format": "2.9", "results": [{"type": "word", "start_time": a, "end_time": b,
                                       "alternatives": [{"content": w, "speaker": s}]} for s, w, a, b in WORDS]}, "AB"),
    "Azure, durations": (
        {"recognizedPhrases": each(lambda s, a, b, t: {
            "recognitionStatus": "Success", "speaker": NUMBERS[s], "offset": f"PT{a}S", "duration": f"PT{b - a:.3f}S",
            "nBest": [{"display": t}]})}, "01"),
    "Azure, ticks": (
        {"recognizedPhrases": each(lambda s, a, b, t: {
            "recognitionStatus": "Success", "speaker": NUMBERS[s], "offsetInTicks": ticks(a),
            "durationInTicks": ticks(b - a), "nBest": [{"display": t}]})}, "01"),
    "Azure, fast": (
        {"durationMilliseconds": 4000, "combinedPhrases": [], "phrases": each(lambda s, a, b, t: {
            "speaker": NUMBERS[s], "offsetMilliseconds": round(a * 1000), "durationMilliseconds": round((b - a) * 1000),
            "text": t})}, "01"),
    "Azure, one by one": (
        each(lambda s, a, b, t: {"RecognitionStatus": "Success", "Offset": ticks(a), "Duration": ticks(b - a),
                                 "DisplayText": t}), ""),
    "Google": (
        google([{"word": w, "startTime": f"{a}s", "endTime": f"{b}s", "speakerTag": NUMBERS[s] + 1}
                for s, w, a, b in WORDS]), "12"),
    "Google, seconds and nanos": (
        google([{"word": w, "start_time": {"seconds": str(int(a)), "nanos": round(a % 1 * 1e9)},
                 "end_time": {"seconds": str(int(b)), "nanos": round(b % 1 * 1e9)}, "speaker_tag": NUMBERS[s] + 1}
                for s, w, a, b in WORDS]), "12"),
    "Google, everything again with speakers": (
        google([{"word": w, "startOffset": f"{a}s", "endOffset": f"{b}s", "speakerLabel": s} for s, w, a, b in WORDS],
               {"alternatives": [{"transcript": " ".join(SAID.values()), "words": []}]}), "AB"),
    "Watson": (
        {"results": [{"final": True, "alternatives": [{"transcript": "x", "timestamps": [
            [w, a, b] for _, w, a, b in WORDS]}]}],
         "speaker_labels": [{"from": a, "to": b, "speaker": NUMBERS[s]} for s, w, a, b in WORDS]}, "01"),
    "speakers by number": (
        {"speakers": [{"id": n, "name": s} for s, n in NUMBERS.items()], "utterances": each(lambda s, a, b, t: {
            "speaker": NUMBERS[s], "start": a, "end": b, "text": t})}, "AB"),
    "Rev": (
        {"monologues": [{"speaker": NUMBERS[s], "elements": [
            element for n, (w, a, b) in enumerate(of(s)) for element in (
                {"type": "punct", "value": " " if n else ""}, {"type": "text", "value": w, "ts": a, "end_ts": b})]}
            for s in SAID]}, "01"),
    "Rev, names and clocks": (
        {"speakers": [{"id": n, "name": s} for s, n in NUMBERS.items()], "monologues": each(lambda s, a, b, t: {
            "speaker": NUMBERS[s], "elements": [{"type": "text", "value": t, "timestamp": clock(a),
                                                 "end_timestamp": clock(b)}]})}, "AB"),
    "Recall": (
        [{"participant": {"id": 7, "name": s}, "words": [
            {"text": w, "start_timestamp": {"relative": a, "absolute": "x"}, "end_timestamp": {"relative": b}}
            for w, a, b in of(s)]} for s in SAID], "AB"),
    "youtube-transcript-api": (each(lambda s, a, b, t: {"text": t, "start": a, "duration": b - a}), ""),
    "json3": (
        {"wireMagic": "pb3", "events": [{"tStartMs": 0, "dDurationMs": 9, "segs": [{"utf8": "\n"}]}, *each(
            lambda s, a, b, t: {"tStartMs": round(a * 1000), "dDurationMs": round((b - a) * 1000),
                                "segs": [{"utf8": t[:5]}, {"utf8": t[5:], "tOffsetMs": 9}]})]}, ""),
    "ElevenLabs": (
        {"language_code": "en", "words": [part for s, w, a, b in WORDS for part in (
            {"text": w, "start": a, "end": b, "type": "word", "speaker_id": s},
            {"text": " ", "start": b, "end": b, "type": "spacing", "speaker_id": s})]}, "AB"),
    "Fireflies": (
        {"data": {"transcript": {"title": "x", "sentences": each(lambda s, a, b, t: {
            "index": 0, "speaker_name": s, "text": t, "start_time": a, "end_time": b})}}}, "AB"),
    "Vosk": (
        [{"text": SAID[s], "result": [{"conf": 1, "word": w, "start": a, "end": b} for w, a, b in of(s)]}
         for s in SAID], ""),
    "speakers with names": (
        each(lambda s, a, b, t: {"speaker": {"name": s, "id": 4}, "start": a, "end": b, "text": t}), "AB"),
    "our analysis": (
        {"format": 1, "model": {}, "arcs": {}, "utterances": each(lambda s, a, b, t: {
            "id": s, "speaker": s, "start": a, "end": b, "text": t, "label": "joy", "probabilities": {}})}, "AB"),
}  # fmt: skip

NAMES = {
    "": ["speaker", "speaker"],
    "AB": ["A", "B"],
    "01": ["speaker 0", "speaker 1"],
    "12": ["speaker 1", "speaker 2"],
}
NOTED = {"chunks of words", "ElevenLabs", "Fireflies", "our analysis"}


def read(content: Any) -> Any:
    return parse_json(content if isinstance(content, str) else json.dumps(content), "a.json")


def rows(transcript: Any) -> list[tuple[Any, ...]]:
    return [
        (cue.speaker, cue.start and round(cue.start, 3), cue.end and round(cue.end, 3), cue.text)
        for cue in transcript.cues
    ]


@pytest.mark.parametrize("kind", FILES)
def test_every_service_says_the_same(kind):
    content, speakers = FILES[kind]
    found = read(content)
    names = NAMES[speakers]
    assert rows(found) == [(name, *TIMES[s], SAID[s]) for name, s in zip(names, SAID, strict=True)]
    assert all(cue.label is None for cue in found.cues)
    assert bool(found.notes) == (kind in NOTED)


def test_every_service_has_a_file_here():
    known = {next(service.name for service in SERVICES if service.sign(content)) for content, _ in FILES.values()}
    assert known == {service.name for service in SERVICES}


def test_json_lines_are_a_list():
    lines = "\n".join(json.dumps({"id": s, "conversation_id": "c", "speaker": s, "text": t}) for s, t in SAID.items())
    assert [(cue.speaker, cue.text) for cue in read(lines).cues] == list(SAID.items())
    with pytest.raises(DataError, match=r"should hold one conversation\. Found 2"):
        read(lines.replace('"conversation_id": "c"', '"conversation_id": "d"', 1))


def test_dates_are_no_times_of_a_recording():
    found = read([{"speaker": "A", "text": "Hi.", "timestamp": 1_463_749_200}])
    assert found.cues[0].start is None
    assert "dates" in found.notes[0]


def test_captions_that_roll_end_where_the_next_begins():
    found = read([{"text": t, "start": s, "duration": 3.9} for t, s in (("so", 0.3), ("we", 2.1), ("bake", 4.2))])
    assert [(cue.start, cue.end) for cue in found.cues] == [(0.3, 2.1), (2.1, 4.2), (4.2, pytest.approx(8.1))]
    assert "ended where the next begins" in found.notes[0]


def test_a_caption_that_overlaps_alone_is_left_as_it_is():
    found = read(
        [{"text": t, "start": s, "duration": 2.0} for t, s in (("a", 0.5), ("b", 2.0), ("c", 9.0), ("d", 15.5))]
    )
    assert [cue.end for cue in found.cues] == [2.5, 4.0, 11.0, 17.5]


def test_a_text_without_spaces_is_cut_where_its_words_stand():
    words = [
        {"word": w, "start": n, "end": n + 0.5, "speaker": s}
        for n, (w, s) in enumerate(zip("你好谢谢", "AABB", strict=True))
    ]
    found = read({"segments": [{"start": 0.0, "end": 3.5, "text": "你好，谢谢。", "words": words}]})
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("A", "你好，"), ("B", "谢谢。")]


def test_words_that_have_no_times_lean_on_those_around_them():
    words = [{"word": "In", "start": 1.0, "end": 1.2, "speaker": "A"}, {"word": "1984.", "speaker": "A"},
             {"word": "42?", "speaker": "B"}, {"word": "Yes.", "start": 3.0, "end": 3.4, "speaker": "B"}]  # fmt: skip
    found = read({"segments": [{"start": 0.9, "end": 3.5, "text": "In 1984. 42? Yes.", "words": words}]})
    assert rows(found) == [("A", 1.0, 1.2, "In 1984."), ("B", 3.0, 3.4, "42? Yes.")]


def test_a_pause_parts_words_of_one_speaker():
    words = [{"text": w, "start": s, "end": s + 300} for w, s in (("Well.", 0), ("Yes.", 500), ("No.", 1900))]
    assert [cue.text for cue in read({"audio_duration": 3, "words": words}).cues] == ["Well. Yes.", "No."]


def test_channels_are_speakers_where_nothing_else_tells_them_apart():
    channels = [
        {"alternatives": [{"words": [{"word": w, "start": s, "end": s + 0.5}]}]} for w, s in (("a", 1), ("b", 0))
    ]
    found = read({"metadata": {}, "results": {"channels": channels}})
    assert [(cue.speaker, cue.text) for cue in found.cues] == [("channel 1", "b"), ("channel 0", "a")]


def test_keys_that_are_not_used_are_named_and_bookkeeping_is_not():
    found = read([{"text": "Hi.", "speaker": "A", "mood": 3, "avg_logprob": -1.0, "confidence": 0.5}])
    assert found.notes == ("Keys not used: mood.",)


@pytest.mark.parametrize(
    ("content", "keys"),
    [({"name": "x", "version": 2}, "name, version"), ([{"lat": 1, "lon": 2}], "lat, lon"),
     ({"features": [{"type": "Feature", "geometry": {}}]}, "features"), ({}, "none")],
)  # fmt: skip
def test_other_json_is_refused_with_its_keys(content, keys):
    with pytest.raises(DataError, match=rf"^a\.json should be a list of utterances.*with the keys {keys}\.$"):
        read(content)


JUNK = (None, 3, "x", [], {}, [3], [[]], {"a": {"b": []}}, [{}], True)


@pytest.mark.parametrize("kind", FILES)
def test_junk_in_the_place_of_anything_is_refused_or_left_out(kind):
    for damaged in (damaged for junk in JUNK for damaged in _damaged(FILES[kind][0], junk)):
        try:
            found = read(damaged)
        except DataError:
            continue
        assert all(cue.text is None or cue.text.strip() for cue in found.cues)


def _damaged(content: Any, junk: Any) -> Any:
    """A content with junk in each of its places, one at a time; of lists in the first place only."""
    yield junk
    if isinstance(content, dict):
        for key, value in content.items():
            yield from ({**content, key: inner} for inner in _damaged(value, junk))
    elif isinstance(content, list) and content:
        yield from ([inner, *content[1:]] for inner in _damaged(content[0], junk))
