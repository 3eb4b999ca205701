"""What commands that cut splits have in common: the option that names the rule, and what is told of the cut."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from crossspace.cli.parsing import Parser

if TYPE_CHECKING:
    from crossspace.data.corpus import Corpus


def add_rule(parser: Parser, option: str) -> None:
    """Give ``parser`` the option that names the rule of a cut; ``None`` where it is not given."""
    parser.add_argument(
        option,
        metavar="RULE",
        help="how validation conversations are chosen: hash (default), stratified (with the label shares of the "
        "whole), group:session, group:speaker or group:EXPRESSION (whole groups, by what a regular expression finds at "
        "the beginning of conversation ids)",
    )


def tell_cut(corpus: Corpus) -> None:
    """Print how splits were cut, and how far validation is from train; nothing where they are those of the source."""
    from crossspace.data.cuts.recut import cut_in_words
    from crossspace.data.summary import validation_summary

    if corpus.cut:
        print(f"splits were cut here: {cut_in_words(corpus.cut)}")
        tell_difference(validation_summary(corpus))


def tell_difference(validation: Mapping[str, Any] | None) -> None:
    """Print how far validation is from train, and what to do where it is too small.

    Args:
        validation: what :func:`crossspace.data.summary.validation_summary` says.
    """
    from crossspace.data.cuts.shares import ShareDifference

    if validation and validation["difference"]:
        print(f"validation against train: {ShareDifference(**validation['difference'])}")
    if validation and validation["advice"]:
        print(validation["advice"])
