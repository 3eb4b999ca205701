"""``python -m benchmarks.speech``: how well words and speakers are recognised, how fast, and what errors cost.

Every part is done where its options are given, and prints a table in Markdown:

--model and --read      word error rate against transcripts (lines ``<s> words </s> (name)`` in ``transcription``)
--voices and --clips    diarization error rate on conversations drawn from clips, a folder for each speaker
--meld                  weighted F1 of the model in the box with words dropped, a table as MELD publishes them
"""

from __future__ import annotations

import argparse
import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from benchmarks.speech.conversations import clips_of, drawn, write_wav
from benchmarks.speech.dropouts import conversations_of, weighted_f1
from benchmarks.speech.speaker_errors import SpeakerErrors, Turn, speaker_errors
from benchmarks.speech.word_errors import WordErrors, references, spread, word_errors
from crossspace.analysis.analyzer import Analyzer
from crossspace.features.media import audio_blocks, open_media
from crossspace.features.speech.recognisers import HeardWord, Recogniser, recogniser
from crossspace.features.speech.speaker_encoders import SpeakerEncoder, speaker_encoder
from crossspace.features.speech.transcribe import Transcription
from crossspace.features.speech.transcribing import Transcribing
from crossspace.features.speech.voices import voices_of
from crossspace.features.speech.windows import windows
from crossspace.features.voice.speech import speech_transcript

_COLLAR = 0.25
_FRAGMENT = 0.4
"""Seconds: stretches of speech are cut into so much, which stand for words."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", help="folder of a Whisper model")
    parser.add_argument("--read", type=Path, nargs="+", default=[], help="folders of recordings with their transcripts")
    parser.add_argument("--voices", help="weights of the speaker encoder")
    parser.add_argument("--clips", type=Path, help="folder with a folder of clips for each speaker")
    parser.add_argument("--draws", type=int, default=10, help="conversations of each number of speakers")
    parser.add_argument("--seconds", type=float, default=90.0, help="of a conversation")
    parser.add_argument("--meld", type=Path, help="table of dialogues with labels")
    parser.add_argument("--rates", type=float, nargs="+", default=[0.0], help="of words that are dropped")
    parser.add_argument("--seed", type=int, default=1000, help="of the first draw")
    options = parser.parse_args(arguments)
    if options.model and options.read:
        _words(f"whisper:{options.model}", options.read)
    if options.voices and options.clips:
        _speakers(speaker_encoder(f"ge2e:{options.voices}"), options)
    if options.meld:
        _emotions(options)


def _words(model: str, folders: Sequence[Path]) -> None:
    columns = ("words", "errors, clip by clip", "errors, through the whole way", "processor seconds per minute")
    print(f"| recordings | {' | '.join(columns)} |")
    print("|---|---:|---:|---:|---:|")
    recogniser_ = recogniser(model)
    transcription = Transcription(Transcribing(model))
    for folder in folders:
        clip, whole, spent, heard = WordErrors(), WordErrors(), 0.0, 0.0
        for path, text in references(folder):
            samples = np.concatenate(list(audio_blocks(open_media(path))))
            began = time.process_time()
            clip += word_errors(text, _said(recogniser_, samples))
            spent, heard = spent + time.process_time() - began, heard + len(samples) / 16_000
            cues = transcription.transcript(open_media(path), "").cues
            whole += word_errors(text, " ".join(cue.text or "" for cue in cues))
        errors = f"{whole.substituted} changed, {whole.deleted} lost, {whole.inserted} added"
        print(
            f"| {folder.name} | {clip.words} | {100 * clip.rate:.1f} % | {100 * whole.rate:.1f} % ({errors}) "
            f"| {60 * spent / heard:.1f} |"
        )


def _said(model: Recogniser, samples: np.ndarray) -> str:
    pieces = [samples[at : at + 30 * 16_000] for at in range(0, len(samples), 30 * 16_000)]
    return " ".join(word.text for part in pieces for word in model.recognise(part).words)


def _speakers(encoder: SpeakerEncoder, options: argparse.Namespace) -> None:
    people = clips_of(options.clips)
    print(f"{len(people)} speakers: {', '.join(f'{name} ({len(clips)} clips)' for name, clips in people.items())}\n")
    print("| speakers | number | DER, collar 0.25 s | of it confused | DER, no collar | numbers found |")
    print("|---:|---|---:|---:|---:|---|")
    spent = heard = 0.0
    for count in (1, 2, 3, 4):
        rows: dict[str, list[tuple[SpeakerErrors, SpeakerErrors, int]]] = {"given": [], "found": []}
        for draw in range(options.draws):
            random = np.random.default_rng(options.seed + 100 * count + draw)
            samples, turns = drawn(people, count, options.seconds, random)
            speech = _stretches(samples)
            began = time.process_time()
            spans = windows(speech)
            vectors = encoder.encode([samples[round(a * 16_000) : round(b * 16_000)] for a, b in spans])
            for how, number in (("given", count), ("found", None)):
                voices = voices_of(spans, vectors, number, encoder.same_voice, encoder.sharpness)
                words = voices.speakers_of(_fragments(speech))
                found: list[Turn] = [(w.heard.start, w.heard.end, str(w.speaker)) for w in words]
                rows[how].append((speaker_errors(turns, found, _COLLAR), speaker_errors(turns, found), voices.count))
            spent, heard = spent + time.process_time() - began, heard + len(samples) / 16_000
        for how, results in rows.items():
            cells = [spread([r.rate for r, _, _ in results]), spread([r.confusion for r, _, _ in results])]
            cells.append(spread([r.rate for _, r, _ in results]))
            numbers = " ".join(str(n) for _, _, n in results) if how == "found" else ""
            print(f"| {count} | {how} | {' | '.join(cells)} | {numbers} |")
    print(f"\n{60 * spent / heard:.1f} processor seconds per minute of sound, speech being found before.")


def _stretches(samples: np.ndarray) -> list[tuple[float, float]]:
    with tempfile.TemporaryDirectory() as folder:
        write_wav(Path(folder) / "talk.wav", samples)
        cues = speech_transcript(open_media(Path(folder) / "talk.wav")).cues
    # Silero ends the last window after the sound; nothing is to be cut out beyond it.
    end = len(samples) / 16_000
    return [(cue.start or 0.0, min(cue.end or 0.0, end)) for cue in cues]


def _fragments(speech: Sequence[tuple[float, float]]) -> list[HeardWord]:
    words = []
    for start, end in speech:
        edges = np.linspace(start, end, max(1, round((end - start) / _FRAGMENT)) + 1).tolist()
        words += [HeardWord(" word", a, b, 1.0) for a, b in pairwise(edges)]
    return words


def _emotions(options: argparse.Namespace) -> None:
    analyzer, conversations = Analyzer.load(), conversations_of(options.meld)
    print("| words dropped | weighted F1, percent | runs |\n|---:|---:|---:|")
    for rate in options.rates:
        seeds = [0] if rate == 0 else range(5)
        scores = [weighted_f1(analyzer, conversations, rate, seed) for seed in seeds]
        print(f"| {100 * rate:.1f} % | {spread(scores)} | {len(scores)} |")


if __name__ == "__main__":
    main()
