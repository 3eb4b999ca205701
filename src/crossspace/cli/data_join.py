"""``crossspace data join``."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING

from crossspace.cli.parsing import Parser, anywhere, json_value, local, spare
from crossspace.cli.parsing import words as split_words
from crossspace.errors import UsageError

if TYPE_CHECKING:
    from crossspace.data.joins.join import Joining

_ABOUT = """Add features of OTHER to the utterances of CORPUS as further modalities, and write TARGET.

OTHER is a corpus, another Parquet or CSV file with one row per utterance, an .npz file or a folder of .npy files.
Utterances that OTHER lacks stay, and the modality is missing there; rows that belong to no utterance are left out;
both are told. Ids are compared letter by letter."""

_SHOWN = 5


def parser() -> Parser:
    """The parser of the action."""
    action = Parser(prog="crossspace data join", description=_ABOUT)
    action.add_argument("corpus", type=anywhere, help="corpus file (.parquet)")
    action.add_argument("other", type=local, help="corpus, Parquet, CSV or .npz file, or folder of .npy files")
    action.add_argument("target", type=anywhere, nargs="?", help="corpus file to write (.parquet)")
    action.add_argument("--out", type=anywhere, help="the same as TARGET")
    action.add_argument("--overwrite", action="store_true", help="TARGET may be CORPUS, or OTHER")
    action.add_argument(
        "--on",
        type=_names,
        default={"utterance_id": "utterance_id"},
        help="what tells utterances apart: utterance_id (default) or conversation_id,position; "
        "utterance_id=utt where OTHER calls it utt",
    )
    action.add_argument(
        "--features",
        type=_names,
        help="what is added: modality=array, modality=column, or columns of numbers, audio=f0+energy or audio=mfcc_*; "
        "several with commas between (default: all modalities or two-dimensional arrays)",
    )
    action.add_argument("--prefix", default="", help="put in front of the names of the modalities")
    action.add_argument("--replace", action="store_true", help="where both have a modality, take that of OTHER")
    action.add_argument(
        "--extractors", type=json_value, help="what made the features, as JSON; a corpus brings its own"
    )
    action.add_argument("--zero-rows-missing", action="store_true", help="take rows of nothing but zeros for missing")
    return action


def run(words: Sequence[str]) -> int:
    """Join."""
    options = parser().parse_all(words)
    target = _target(options)

    from crossspace.data.corpus import Corpus
    from crossspace.data.joins.join import join

    corpus, joining = join(
        Corpus.read(options.corpus, cache_bytes=0),  # of which each row is read once, in order
        options.other,
        on=options.on,
        features=options.features,
        prefix=options.prefix,
        replace_existing=options.replace,
        extractors=options.extractors,
        zero_rows_missing=options.zero_rows_missing,
    )
    corpus.write(target)
    print(f"{target}: {corpus!r}")
    _tell(joining)
    return 0


def _target(options: argparse.Namespace) -> str:
    # As the last argument for who is used to it, as an option for who writes a script.
    if (options.target is None) == (options.out is None):
        raise UsageError(
            "One file to write is expected, as TARGET or --out. Found " + ("two." if options.out else "none.")
        )
    target = str(options.target or options.out)
    if not target.endswith(".parquet"):
        raise UsageError(f"TARGET should be a corpus file ending in .parquet. Found {target!r}.")
    if not options.overwrite:
        spare(target, options.corpus, options.other)
    return target


def _tell(joining: Joining) -> None:
    total = joining.matched + len(joining.without_row)
    print(f"{', '.join(joining.modalities)}: {joining.matched} of {total} utterances have a row")
    for keys, what in (
        (joining.without_row, "utterances have no row; the modalities are missing there"),
        (joining.without_utterance, "rows belong to no utterance and are left out"),
    ):
        if keys:
            # A few ids show how the two files spell them, which is mostly what is wrong.
            others = f" and {len(keys) - _SHOWN} more" if len(keys) > _SHOWN else ""
            print(f"{len(keys)} {what}: {', '.join(keys[:_SHOWN])}{others}")
    for note in joining.notes:
        print(note)


def _names(text: str) -> dict[str, str]:
    """``a=b,c`` as ``{"a": "b", "c": "c"}``."""
    names = {}
    for part in split_words(text):
        key, equals, value = (piece.strip() for piece in part.partition("="))
        if not key or (equals and not value) or key in names:
            raise argparse.ArgumentTypeError(f"expected name or name=value, each name once, found {part!r}")
        names[key] = value or key
    return names
