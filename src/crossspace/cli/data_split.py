"""``crossspace data split``."""

from __future__ import annotations

from collections.abc import Sequence

from crossspace.cli.cutting import add_rule, tell_cut
from crossspace.cli.parsing import Parser, anywhere, spare
from crossspace.errors import UsageError

_ABOUT = """Cut the splits of a corpus anew and write it to TARGET.

Validation is cut from what is train or validation now; test stays as it is unless --test-fraction is given. What lies
in no split stays there, unless everything does."""


def parser() -> Parser:
    """The parser of the action."""
    action = Parser(prog="crossspace data split", description=_ABOUT)
    action.add_argument("corpus", type=anywhere, help="corpus file (.parquet)")
    action.add_argument("target", type=anywhere, help="corpus file to write (.parquet)")
    add_rule(action, "--cut")
    action.add_argument(
        "--fraction", type=float, default=0.1, help="part of the conversations outside of test (default 0.1)"
    )
    action.add_argument("--test-fraction", type=float, help="part of all conversations that becomes test")
    action.add_argument("--seed", type=int, default=0, help="of the choice (default 0)")
    return action


def run(words: Sequence[str]) -> int:
    """Cut."""
    options = parser().parse_all(words)
    spare(options.target, options.corpus)

    from crossspace.data.corpus import Corpus
    from crossspace.data.cuts.recut import HASH, resplit

    corpus = Corpus.read(options.corpus)
    if "validation" in corpus.splits and not corpus.cut:
        count = len(corpus.conversation_ids("validation"))
        print(f"the validation split of the source ({count} conversations) is cut anew together with train")
    # A corpus that is written as it was would be taken for one that was cut.
    if not options.fraction and not options.test_fraction:
        raise UsageError("--fraction or --test-fraction should be more than 0, or there is nothing to cut.")
    cut = resplit(
        corpus, options.cut or HASH, fraction=options.fraction, test_fraction=options.test_fraction, seed=options.seed
    )
    cut.write(options.target)
    print(f"{options.target}: {cut!r}")
    tell_cut(cut)
    return 0
