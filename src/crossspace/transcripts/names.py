"""Which words before a colon are names: judged by all of a file and not by one line, so that any name is one."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

COLONS = ":\uff1a"
"""That of Latin script and the wide one of Chinese and Japanese."""
TURN = re.compile(r"\s*(?:[-\u2010-\u2015\u2022]|>>+)\s*(?=\S)")
"""The dash or the arrows before the words of another speaker."""
_LONGEST_NAME, _LONGEST_PREFIX, _MOST_WORDS = 40, 80, 8
_BRACKETED = re.compile(r"\[([^\[\]]{1,80})\](?=\s*[^\s:\uff1a])")
_NUMBERED = re.compile(r"(?:speaker|spk|sprecher|locuteur|hablante)[ _-]?\w{1,3}", re.IGNORECASE)
_PRONOUNS_OF_CHINESE = tuple("\u6211\u4f60\u4ed6\u5979\u5b83\u60a8")
# fmt: off
_NO_NAMES = frozenset((
    "note", "notes", "warning", "remember", "example", "ps", "update", "answer",
    "question", "result", "fact", "tip", "hint", "caution", "problem",
))
"""Words that open a remark. They are names only where all entries have one."""
_SPEECH = frozenset((
    "said", "says", "say", "saying", "asked", "asks", "told", "tells", "replied", "thought",
    "think", "goes", "went", "like", "is", "was", "are", "were", "be", "this",
    "that", "these", "those", "thing", "things", "because", "so", "but", "and", "then",
    "wait", "listen", "look", "here's", "it's", "that's",
))
# fmt: on
"""Words with which what comes before a colon inside of speech begins or ends."""
_SPEAKING = frozenset(("I", "I'm", "I've", "i", "i'm", "i've"))
"""Words that show that somebody speaks; ``I`` alone may be the interviewer."""

Said = tuple[str | None, str]
"""A speaker, ``None`` where none is named, and what they say."""


def prefix_of(line: str) -> Said:
    """What stands before the first colon of a line and may be a name by its place, and what stands behind it.

    Not in a time (``12:30``), an address (``https://``), a sentence (``Really? Bob: no``, ``I said: no``).
    """
    at = min((at for colon in COLONS if (at := line.find(colon, 0, _LONGEST_PREFIX + 2)) > 0), default=-1)
    name = line[:at].strip() if at > 0 else ""
    rest = line[at + 1 :]
    if name.startswith("*") and (name.endswith("*") or rest.startswith("*")):
        # Bold or italic in Markdown, with the colon inside or outside.
        name, rest = name.strip("*"), rest.removeprefix("**").removeprefix("*")
    if not name or rest.startswith("/") or (name[-1].isdecimal() and rest[:1].isdecimal()) or not may_be(name):
        return None, line.strip()
    return bare(name), rest.strip()


def named(line: str) -> Said:
    """``(speaker, text)`` of a line ``NAME: text`` by its form; the speaker is ``None`` where it begins with no name.

    A name by its form has at most three words, and each begins with an upper-case letter or a digit, or belongs to a
    script without case. Words that open a remark (``Note:``) are no names. ``I said: no`` and ``12:30`` have none.
    """
    name, text = prefix_of(line)
    return (name, text) if name is not None and is_name(name) else (None, line.strip())


def is_name(prefix: str) -> bool:
    """Whether words are a name by their form."""
    prefix = _alone(prefix)
    words = prefix.split()
    if not 1 <= len(words) <= 3 or len(prefix) > _LONGEST_NAME or prefix.lower() in _NO_NAMES | _SPEECH:
        return False
    if any(c in prefix for c in ',"<>') or prefix.endswith("."):
        return False
    return all((first := word.lstrip("([")[:1]).upper() == first for word in words)


def is_numbered(name: str) -> bool:
    """Whether a name is that of somebody unknown: ``Speaker 1``, ``SPEAKER_00``."""
    return _NUMBERED.fullmatch(name) is not None


@dataclass(frozen=True)
class Names:
    """The names that a file uses.

    Attributes:
        known: as they stand before a colon, without brackets around them.
        bracketed: whether names stand in brackets without a colon: ``[Ann] Hello.``
        above: whether every entry has a name on a line of its own, above what is said.
    """

    known: frozenset[str]
    bracketed: bool = False
    above: bool = False

    def split(self, line: str) -> Said:
        """The speaker of a line, ``None`` where it begins with none of the names, and the rest of it."""
        name, text = prefix_of(line)
        if name is None and (match := _BRACKETED.match(line.strip())):
            inside = match.group(1).strip()
            if (self.bracketed and any(c.isalpha() for c in inside)) or is_numbered(inside):
                return inside, line.strip()[match.end() :].strip()
        if name not in self.known:
            return None, line.strip()
        return self._without_manner(name), text

    def _without_manner(self, name: str) -> str:
        # "BEN (laughing)" is Ben where "BEN" speaks as well.
        return alone if (alone := _alone(name)) in self.known else name


def names_in(entries: Iterable[Sequence[str]]) -> Names:
    """The names in a file, of which every entry gives its lines without markup.

    What stands before a colon is a name

    - where every entry has something before a colon,
    - where it is written in capitals, stands in brackets, is numbered (``Speaker 1``), or follows arrows or a dash with
      the form of a name,
    - where it returns, and has the form of a name or belongs to a file of which a quarter has something there,
    - where it has the form of a name and half of the entries begin with a name, or nine tenths have anything there.

    In a file of which only single entries have a colon there are none but those in capitals.
    """
    evidence = _Evidence()
    for lines in entries:
        evidence.add_entry(lines)
        for at, line in enumerate(lines):
            evidence.add(line, at == 0)
    return evidence.judged()


class _Evidence:
    """What stands where a name can, counted over a file."""

    def __init__(self) -> None:
        self._total = 0
        self._seen, self._heads, self._brackets = Counter[str](), Counter[str](), Counter[str]()
        self._sure: set[str] = set()
        self._entries, self._above = 0, Counter[str]()

    def add_entry(self, lines: Sequence[str]) -> None:
        """One more entry, for what stands on a line of its own above the others."""
        self._entries += 1
        if len(lines) > 1 and len(lines[0]) <= _LONGEST_NAME:
            name = bare(lines[0].strip())
            if not any(colon in name for colon in COLONS) and may_be(name) and is_name(name):
                self._above[name] += 1

    def add(self, line: str, first: bool) -> None:
        """One more line; ``first`` where it begins an entry."""
        turn = TURN.match(line)
        rest = line[turn.end() :] if turn else line.strip()
        first = first or (turn is not None and ">>" in turn.group())
        self._total += first
        if first and (match := _BRACKETED.match(rest)):
            self._brackets[match.group(1).strip()] += 1
        name, _ = prefix_of(rest)
        if name is not None:
            self._heads[name] += first
            self._seen[name] += 1
            if _is_sure(name, rest, turn is not None):
                self._sure.add(name)

    def judged(self) -> Names:
        """The names that the lines are evidence of."""
        counts = self._brackets
        bracketed = sum(counts.values()) == self._total > len(counts) and all(map(is_name, counts))
        # That it returns tells a name from the first half of a short sentence.
        names = self._above
        returning = len(names) < sum(names.values()) or all(map(is_numbered, names))
        above = self._entries > 1 and sum(names.values()) == self._entries and returning
        return Names(frozenset(self._known()), bracketed, above)

    def _known(self) -> set[str]:
        total, heads = self._total, sum(self._heads.values())
        formed = {name for name in self._seen if is_name(name)}
        opening = {name for name, count in self._heads.items() if count}
        if total > 1 and heads == total:
            return opening | formed
        plausible = {name for name in self._seen if name.lower() not in _NO_NAMES}
        often = plausible if 4 * heads >= total else formed
        known = self._sure | {name for name in often if self._seen[name] > 1}
        if 2 * sum(self._seen[name] for name in formed | known) >= total:
            known |= formed
        return known | (plausible & opening) if total > 1 and 10 * heads >= 9 * total else known


def _is_sure(name: str, line: str, turn: bool) -> bool:
    if line.startswith("[") or is_numbered(name):
        return True
    return is_name(name) and (turn or _alone(name).isupper())


def _alone(name: str) -> str:
    """A name without what stands in brackets behind it: a manner, a pronoun, a number."""
    return name[: name.rfind("(")].strip() or name if name.endswith(")") and "(" in name else name


def bare(name: str) -> str:
    """A name without the brackets that are around all of it."""
    inside = name[1:-1]
    whole = name[:1] + name[-1:] in ("[]", "()", "<>", "**") and not any(c in inside for c in "[]()<>*")
    return (inside.strip() or name) if whole else name


def may_be(prefix: str) -> bool:
    """Whether words can be a name where the place in which they stand speaks for it."""
    words = prefix.split()
    if len(prefix) > _LONGEST_PREFIX or len(words) > _MOST_WORDS or not any(c.isalpha() for c in prefix):
        return False
    if any(c in prefix for c in '?!;"\u3002\uff0c\uff1f\uff01\u266a\u266b') or prefix.endswith(("...", ",")):
        return False
    # Commas of a name stand before its other half; those of a sentence before words in lower case.
    if prefix[0].islower() and "," in prefix:
        return False
    if len(words) > 1 and (words[-1] in _SPEECH | _SPEAKING or words[0] in _SPEAKING):
        return False
    # "That is it" begins a sentence, "So Young" is a name.
    if words[0].lower() in _SPEECH and any(word[0].islower() for word in words[1:]):
        return False
    return not (prefix.startswith(_PRONOUNS_OF_CHINESE) or prefix.endswith(("\u8bf4", "\u8aaa")))
