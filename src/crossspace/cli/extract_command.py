"""``crossspace extract``."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from crossspace.cli.cutting import add_rule, tell_cut
from crossspace.cli.engine_options import add_engine, engine_of
from crossspace.cli.extract_sources import add_sources, extractors_of, sources
from crossspace.cli.parsing import Parser, names_or_count
from crossspace.cli.parsing import words as split_words
from crossspace.cli.sharding import add_shard, tell_failures, tell_shard
from crossspace.cli.transcribing import transcribing_of
from crossspace.errors import UsageError
from crossspace.runtime import processors
from crossspace.stores import place

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus
    from crossspace.features.extraction.corpus import Described, ExtractionResult
    from crossspace.features.sources import Recording
    from crossspace.features.speech.transcribing import Transcribing

_ABOUT = """Turn recordings and transcripts into a corpus.

SOURCE is a recording (with --transcript; without one its words are recognised by --transcribe whisper:FOLDER, or
stretches of speech are found and text is missing),
a transcript, a manifest (CSV with the columns media, transcript and optionally conversation_id, labels, split,
track, channels), a table of dialogues such as the CSV files of MELD and EmoryNLP, or a folder: of recordings
with their transcripts beside them, of such tables, or IEMOCAP as it is distributed (Session1 and so on).

An extractor is written NAME, NAME:VALUE or NAME:VALUE,key=value; 'crossspace list extractors' names them; 'none'
leaves a modality out. By default each modality that SOURCE has takes the extractor that needs no download.
The same command goes on after an interruption, on this machine or another one: what was extracted stands in the
folder TARGET.parts and in the cache. With --shard I/N it makes the I-th of N shares of the parts, for schedulers that
begin N such commands; 'crossspace merge TARGET' makes the corpus of them."""


def parsers() -> dict[str, Parser]:
    """The parser of the command."""
    parser = Parser(prog="crossspace extract", description=_ABOUT, imports=True)
    add_sources(parser)
    _add_labels(parser)
    _add_splits(parser)
    parser.add_argument("--name", help="name of the corpus (default: that of SOURCE)")
    parser.add_argument("--licence", default="", help="the terms under which it may be used")
    parser.add_argument("--provenance", help="where it came from (default: the name of SOURCE)")
    parser.add_argument("--jobs", type=int, default=processors(), help="recordings at a time (default: processors)")
    add_engine(parser)
    add_shard(parser)
    parser.add_argument("--cache", help="folder of the cache (default: CROSSSPACE_CACHE, or the user's cache)")
    parser.add_argument("--quiet", action="store_true", help="show no progress")
    return {"": parser}


def _add_labels(parser: Parser) -> None:
    """Which labels and speakers the corpus has."""
    parser.add_argument("--labels", type=split_words, default=[], help="names of the labels in order: joy,anger,...")
    parser.add_argument(
        "--unlabelled",
        type=split_words,
        default=[],
        help="labels that stand for none: xxx,oth. Such utterances stay as context, as those with an empty label do",
    )
    parser.add_argument(
        "--speakers",
        type=names_or_count,
        help="names of the speakers when they mean the same in every conversation: F,M; or how many are told apart "
        "within one (default: as many as the conversation with most has, at most 16)",
    )


def _add_splits(parser: Parser) -> None:
    """How a validation split is cut where the source has none."""
    add_rule(parser, "--validation-cut")
    parser.add_argument(
        "--validation-fraction",
        type=float,
        default=0.1,
        help="part of the train conversations that becomes validation, when there is none (default 0.1)",
    )
    parser.add_argument("--seed", type=int, default=0, help="of that choice (default 0)")


def run(words: Sequence[str]) -> int:
    """Extract."""
    options = parsers()[""].parse_all(words)
    if not options.target.endswith(".parquet"):
        raise UsageError(f"TARGET should be a corpus file ending in .parquet. Found {options.target!r}.")
    if options.jobs < 1:
        raise UsageError(f"--jobs should be at least 1. Found {options.jobs}.")

    from crossspace.features.extraction.labels import Labels

    transcribing = transcribing_of(options)
    recordings = sources(options)
    # Everything that can be refused is refused here: an extraction may take a day.
    extractors = extractors_of(options, any(r.has_media for r in recordings))
    if transcribing is not None and all(r.transcript is not None for r in recordings):
        raise UsageError(
            "--transcribe is for recordings without a transcript, and all of SOURCE have one. Leave out either."
        )
    Labels(options.labels, options.unlabelled).check(recordings)
    _check_cut(options, {r.split for r in recordings})
    return _extract(options, recordings, extractors, transcribing)


def _extract(
    options: argparse.Namespace,
    recordings: list[Recording],
    extractors: dict[str, str],
    transcribing: Transcribing | None,
) -> int:
    from crossspace.cli.parts_bar import PartsBar
    from crossspace.features.extraction import corpus

    with PartsBar("recordings", hidden=options.quiet) as progress:
        settings: dict[str, Any] = {
            "cache": options.cache,
            "engine": engine_of(options),
            "jobs": options.jobs,
            "transcribing": transcribing,
            "progress": progress.show,
        }
        given = (recordings, extractors, options.target, _described(options))
        if options.shard is None:
            result = corpus.extract(*given, **settings)
        else:
            outcomes = corpus.extract_parts(*given, shard=options.shard, **settings)
    if options.shard is not None:
        return tell_shard(options.shard, outcomes.values(), options.target)
    return tell_extraction(result, options.target)


def tell_extraction(result: ExtractionResult, target: str) -> int:
    """Say what came of an extraction; returns the exit code of the command."""
    print(f"{target}: {result.corpus!r}")
    _tell_choices(result.corpus, result.set_aside)
    _tell(result)
    # The corpus is written all the same: one broken recording does not cost the others.
    return 1 if result.failures else 0


def _described(options: argparse.Namespace) -> Described:
    from crossspace.data.cuts.recut import HASH
    from crossspace.features.extraction.corpus import Described

    source = place(options.source).resolve()  # "." has no name of its own
    return Described(
        labels=tuple(options.labels),
        unlabelled=tuple(options.unlabelled),
        speakers=tuple(options.speakers) if isinstance(options.speakers, list) else options.speakers,
        name=options.name or source.stem,
        source=source.name if options.provenance is None else options.provenance,
        licence=options.licence,
        validation_cut=options.validation_cut or HASH,
        validation_fraction=options.validation_fraction,
        seed=options.seed,
    )


def _tell_choices(corpus: Corpus, set_aside: Mapping[str, int]) -> None:
    """What the options made of splits, speakers and labels."""
    tell_cut(corpus)
    known = corpus.spec.speakers
    # A number of speakers has no names that somebody could lack.
    strangers = set() if isinstance(known, int) else set(corpus.speaker_names("all")) - set(known)
    if strangers:
        print(f"{len(strangers)} speakers are none of --speakers and share one index, such as {min(strangers)!r}")
    for label, count in set_aside.items():
        print(f"{count} utterances labelled {label!r} are kept as context, without a label")


def _check_cut(options: argparse.Namespace, splits: set[str | None]) -> None:
    """Refuse what cannot be cut before anything is extracted."""
    from crossspace.data.cuts.rules import validation_ids

    validation_ids((), options.validation_fraction)  # of no conversations: only the fraction is judged
    if options.validation_cut is not None and ("train" not in splits or "validation" in splits):
        reason = "brings one" if "validation" in splits else "has no train split"
        raise UsageError(
            f"--validation-cut is for a validation split that is cut from train, and SOURCE {reason}. Leave it out; "
            "'crossspace data split' cuts the splits of a corpus anew."
        )


def _tell(result: ExtractionResult) -> None:
    for name, sentences in result.notes.items():
        print(f"{name}: {' '.join(sentences)}", file=sys.stderr)
    if result.noted > len(result.notes):
        print(f"... and notes on {result.noted - len(result.notes)} more conversations.", file=sys.stderr)
    tell_failures(result.failures)
