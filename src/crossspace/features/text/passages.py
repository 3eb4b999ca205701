"""An utterance with the turns around it, as tokens."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from crossspace.errors import DataError
from crossspace.features.text.tokens import Tokens, first_tokens

Turn = tuple[str, str]
"""Speaker and text."""


@dataclass(frozen=True)
class Passage:
    """An utterance and what is read with it.

    Attributes:
        text: what was said.
        speaker: by whom.
        before, after: ``(speaker, text)`` of the nearest turns with a text, in their order.
    """

    text: str
    speaker: str
    before: tuple[Turn, ...] = ()
    after: tuple[Turn, ...] = ()

    @property
    def numbers(self) -> dict[str, int]:
        """The number of each speaker: 1 is who speaks, 2 who of the others stands nearest before, and so on."""
        numbers = {self.speaker: 1}
        for speaker, _ in (*reversed(self.before), *self.after):
            numbers.setdefault(speaker, len(numbers) + 1)
        return numbers

    @property
    def content(self) -> str:
        """All that a reader sees of it, as one text: names of speakers are only numbers to it."""
        numbers = self.numbers
        around = [[[numbers[speaker], text] for speaker, text in turns] for turns in (self.before, self.after)]
        return json.dumps([self.text, *around], ensure_ascii=False)


def passages(
    turns: Sequence[tuple[str, str | None]], earlier: int, later: int, past: Sequence[Turn] = ()
) -> list[Passage | None]:
    """The passage of every turn of a conversation; ``None`` where there is no text.

    Args:
        turns: ``(speaker, text)``.
        earlier, later: turns that are read on either side; those without a text do not count.
        past: what was said before the first.
    """
    said = [(speaker, text) if text is not None and text.strip() else None for speaker, text in turns]
    known = [*past, *(turn for turn in said if turn is not None)]
    found: list[Passage | None] = []
    place = len(past)
    for own in said:
        if own is None:
            found.append(None)
            continue
        before, after = known[max(0, place - earlier) : place], known[place + 1 : place + 1 + later]
        found.append(Passage(own[1], own[0], tuple(before), tuple(after)))
        place += 1
    return found


class Reader:
    """Turns passages into tokens.

    A passage is the first token, each earlier turn and a separator, the utterance and a separator, and each later turn
    and a separator. Speakers have numbers, written before their turns: 1 is who speaks now, 2 who of the others stands
    nearest, and so on; names would be learned by heart. The utterance is read first, then as many tokens of the nearest
    turns as there is room for; of a turn that does not fit whole, the part next to the utterance.

    Args:
        tokenizer: of the network, as ``transformers`` has it.
        limit: tokens of a passage at most.
        speakers: whether their numbers are written; without any turns around an utterance there is nothing to tell.
    """

    def __init__(self, tokenizer: Any, limit: int, speakers: bool) -> None:
        self._tokenizer, self._speakers = tokenizer, speakers
        first, last = (
            next(([i] for i in (getattr(tokenizer, name, None) for name in names) if i is not None), list[int]())
            for names in (("cls_token_id", "bos_token_id"), ("sep_token_id", "eos_token_id"))
        )
        self.first, self.last, self.limit = first, last, limit
        if limit < len(first) + len(last) + 4:
            raise DataError(f"The network reads {limit} tokens at most, which hold no utterance.")

    def read(self, found: Sequence[Passage]) -> list[Tokens]:
        """The tokens of passages."""
        texts = sorted({text for p in found for _, text in ((p.speaker, p.text), *p.before, *p.after)})
        numbers = {number for p in found for number in p.numbers.values()} if self._speakers else set()
        marks = [f"{number}:" for number in sorted(numbers)]
        # Each text once: most turns stand in several passages.
        known = self._ids(texts)
        marked = {int(mark[:-1]): ids for mark, ids in self._ids(marks).items()}
        return [self._tokens(p, known, marked) for p in found]

    def _ids(self, texts: Sequence[str]) -> dict[str, list[int]]:
        found = first_tokens(self._tokenizer, texts, self.limit, add_special_tokens=False) if texts else []
        return dict(zip(texts, found, strict=True))

    def _tokens(self, passage: Passage, known: Mapping[str, list[int]], marked: Mapping[int, list[int]]) -> Tokens:
        numbers = passage.numbers if self._speakers else {}

        def mark(speaker: str) -> list[int]:
            return marked[numbers[speaker]] if self._speakers else []

        own, start = known[passage.text], mark(passage.speaker)
        room = self.limit - len(self.first) - len(self.last) - len(start)
        is_cut, own = len(own) > room, own[:room]
        room -= len(own)
        before: list[int] = []
        for speaker, text in reversed(passage.before):
            turn = [*mark(speaker), *known[text], *self.last][-room:] if room > 0 else []
            before, room = [*turn, *before], room - len(turn)
        after: list[int] = []
        for speaker, text in passage.after:
            turn = [*mark(speaker), *known[text], *self.last][:room] if room > 0 else []
            after, room = [*after, *turn], room - len(turn)
        head = [*self.first, *before, *start]
        return Tokens((*head, *own, *self.last, *after), len(head), len(head) + len(own), is_cut)
