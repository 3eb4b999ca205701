"""``crossspace data import | join | split | files | show | validate | synthesize``."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

from crossspace.cli import data_join, data_split
from crossspace.cli.component_options import add_options
from crossspace.cli.cutting import add_rule, tell_cut
from crossspace.cli.parsing import Parser, anywhere, do_action, import_named, local
from crossspace.errors import DataError, UsageError
from crossspace.stores import place

_EXTRACTED = ("meld", "emorynlp", "csv", "tsv", "vtt", "srt", "txt", "wav", "mp4", "transcript", "recording", "media")
"""What people call sources that 'crossspace extract' reads."""

_SEEN_ONCE = 64 * 1024**2
"""Bytes of decoded features that are kept where every row is seen once."""
ACTIONS = {
    "import": "turn a feature file into a corpus",
    "join": "add features from another file to a corpus",
    "split": "cut the splits of a corpus anew",
    "files": "write a corpus into several files of a folder",
    "show": "print sizes, labels, speakers and coverage of a corpus",
    "validate": "report every fault of a corpus",
    "synthesize": "generate a corpus whose best accuracy is known",
}


def run(words: Sequence[str]) -> int:
    """Do one of them."""
    actions: dict[str, Callable[[list[str]], int]] = {
        "import": _import,
        "join": data_join.run,
        "split": data_split.run,
        "files": _files,
        "show": _show,
        "validate": _validate,
        "synthesize": _synthesize,
    }
    return do_action("data", ACTIONS, actions, words)


def _import(words: list[str]) -> int:
    from crossspace.data.importers import find, names

    # Twice: the format says which options there are, and they may be of a component that --import brings.
    before = Parser(prog="crossspace data import", add_help=False, imports=True)
    before.add_argument("--format")
    chosen, _ = before.parse_known_args(words)
    import_named(chosen)
    if chosen.format is not None and chosen.format.lower() in _EXTRACTED and chosen.format not in names():
        raise UsageError(
            f"There is no importer {chosen.format!r}: 'data import' reads features that exist already. Recordings, "
            "transcripts and the tables of MELD and EmoryNLP are read by 'crossspace extract SOURCE TARGET.parquet'. "
            f"Importers: {', '.join(names())}."
        )
    parser = _import_parser(chosen.format)
    keywords = [] if chosen.format is None else add_options(parser, find(chosen.format))
    options = parser.parse_all(words)
    importer = find(options.format)(**{name: getattr(options, name) for name in keywords if name in options})
    corpus = importer.read(options.source)
    from crossspace.data.corpus import Corpus  # the importer has imported it

    if not isinstance(corpus, Corpus):
        raise UsageError(
            f"Importer {options.format!r}: `read` should return a `Corpus`. Found a {type(corpus).__name__}. Mend "
            f"`{type(importer).__qualname__}.read`."
        )
    if options.validation_cut is not None:
        from crossspace.data.cuts.recut import recut

        corpus = recut(corpus, options.validation_cut)
    corpus.write(options.target)
    print(f"{options.target}: {corpus!r}")
    tell_cut(corpus)
    return 0


def _import_parser(format: str | None) -> Parser:
    """The parser of the import without the options of a format."""
    from crossspace.data.importers import names

    about = "Import SOURCE and write the corpus TARGET."
    if format is None:
        about += " Each format has options of its own:\n'... --format arrays --help' lists those of arrays."
    parser = Parser(prog="crossspace data import", description=about, imports=True)
    parser.add_argument("source", type=local, help="file or folder to read")
    parser.add_argument("target", type=anywhere, help="corpus file to write (.parquet)")
    parser.add_argument("--format", required=True, help=f"importer: {', '.join(names())}")
    add_rule(parser, "--validation-cut")
    return parser


def parsers() -> dict[str, Parser]:
    """The parsers of the actions; that of the import without the options of a format."""
    from crossspace.data.importers import find

    by_action = {
        "import": _import_parser(None),
        "join": data_join.parser(),
        "split": data_split.parser(),
        "files": _files_parser(),
        "show": _show_parser(),
        "validate": _validate_parser(),
        "synthesize": _synthesize_parser(),
    }
    # Its options are those of one generator, and can be known without a command line.
    add_options(by_action["synthesize"], find("synthetic"))
    return by_action


def _synthesize_parser() -> Parser:
    parser = Parser(prog="crossspace data synthesize", description="Generate a corpus and write it to TARGET.")
    parser.add_argument("target", type=anywhere, help="corpus file to write (.parquet)")
    return parser


def _synthesize(words: list[str]) -> int:
    from crossspace.data.importers import find

    generator, parser = find("synthetic"), _synthesize_parser()
    keywords = add_options(parser, generator)
    options = parser.parse_all(words)
    corpus = generator(**{name: getattr(options, name) for name in keywords if name in options}).read("")
    corpus.write(options.target)
    print(f"{options.target}: {corpus!r}")
    return 0


def _validate_parser() -> Parser:
    parser = Parser(prog="crossspace data validate", description="Report every fault of a corpus.")
    parser.add_argument("corpus", type=anywhere, help="corpus file (.parquet)")
    parser.add_argument(
        "--leaks",
        action="store_true",
        help="look for features that know labels: a linear model on features alone, judged on training conversations "
        "that it did not see, on validation and on test (whose labels are read for this alone)",
    )
    return parser


def _validate(words: list[str]) -> int:
    options = _validate_parser().parse_all(words)
    from crossspace.data.store.validate import faults

    messages = faults(options.corpus)
    if messages:
        raise DataError(
            f"{options.corpus} has {len(messages)} fault{'s' * (len(messages) != 1)}:\n  " + "\n  ".join(messages)
        )
    print(f"{options.corpus}: no faults")
    if options.leaks:
        _probe_leaks(options.corpus)
    return 0


def _probe_leaks(path: str) -> None:
    from crossspace.cli.terminal_tables import print_notes, print_table
    from crossspace.data.corpus import Corpus
    from crossspace.evaluation.leak_probe import leak_probes, rows_of

    probes = leak_probes(Corpus.read(path))
    columns = (
        "features of",
        "width",
        "train, held out",
        "validation",
        "test",
        "train minus test",
        "validation minus test",
    )
    print_table("a linear model on features alone: weighted F1, percent, 95 % intervals", columns, rows_of(probes))
    print_notes(probes)


def _show_parser() -> Parser:
    parser = Parser(prog="crossspace data show", description="Describe a corpus.")
    parser.add_argument("corpus", type=anywhere, help="corpus file (.parquet)")
    parser.add_argument("--json", action="store_true", help="print plain JSON")
    return parser


def _files_parser() -> Parser:
    parser = Parser(
        prog="crossspace data files",
        description="Write a corpus into several files of a folder, each a corpus of its own. The folder is the whole "
        "corpus: every command takes it in place of a file.",
    )
    parser.add_argument("corpus", type=anywhere, help="corpus file (.parquet)")
    parser.add_argument("folder", type=anywhere, help="folder to write, new or empty")
    parser.add_argument("--rows", type=int, default=1_000_000, help="utterances of a file, about (default 1000000)")
    return parser


def _files(words: list[str]) -> int:
    options = _files_parser().parse_all(words)

    from crossspace.data.corpus import Corpus

    Corpus.read(options.corpus, _SEEN_ONCE).write_files(options.folder, options.rows)
    print(f"{options.folder}: {Corpus.read(options.folder)!r}")
    return 0


def _show(words: list[str]) -> int:
    options = _show_parser().parse_all(words)
    from crossspace.data.corpus import Corpus
    from crossspace.data.summary import summary

    if not place(options.corpus).exists():
        raise DataError(f"There is no file {options.corpus}. 'crossspace data import' makes a corpus.")
    description = summary(Corpus.read(options.corpus))
    if options.json:
        print(json.dumps(description, indent=2, ensure_ascii=False))
    else:
        from crossspace.cli.corpus_view import print_summary

        print_summary(description)
    return 0
