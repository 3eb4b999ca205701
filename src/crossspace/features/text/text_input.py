"""How texts become the arrays that an exported network reads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from crossspace.features.text.passages import Passage, Reader
from crossspace.features.text.tokenizer_file import TokenizerFile
from crossspace.features.text.tokens import TextArrays, Tokens, first_tokens, text_arrays

_LONGEST = 1 << 20
_MOST_TURNS = 1000


@dataclass(frozen=True)
class TextInput:
    """What a network reads of a text.

    Attributes:
        first, last: ids of the tokens that stand before and behind a text, where there are such.
        pad: the id of what fills rows up.
        limit: tokens that are read at most, first and last included.
        pooling: ``own`` averages over the tokens of the text, ``cls`` takes the first.
        whole: whether the first and last token count as the text's own.
        earlier, later: turns of the conversation that are read around it.

    Raises:
        ValueError: no network reads so.
    """

    first: int | None
    last: int | None
    pad: int
    limit: int
    pooling: Literal["own", "cls"]
    whole: bool
    earlier: int = 0
    later: int = 0

    def __post_init__(self) -> None:
        ids = [self.pad, *(i for i in (self.first, self.last) if i is not None)]
        counts = [(i, 1 << 31) for i in ids] + [(self.limit, _LONGEST)]
        counts += [(self.earlier, _MOST_TURNS), (self.later, _MOST_TURNS)]
        fine = all(type(number) is int and 0 <= number < most for number, most in counts)
        # Between the signs of a beginning and an end there has to be room for a text: as for the reader of passages.
        fine = fine and self.limit >= len(ids) + 3
        if not fine or self.pooling not in ("own", "cls") or type(self.whole) is not bool:
            raise ValueError("a way to read texts that no network has")


class TextInputs:
    """Turns texts, or passages with the turns around them, into arrays.

    Args:
        settings: what the network reads.
        pieces: its tokenizer, of the library ``tokenizers``.

    Raises:
        DataError: the network reads so little that no text fits.
    """

    def __init__(self, settings: TextInput, pieces: Any) -> None:
        self._settings = settings
        self._tokenizer = TokenizerFile(pieces, settings.limit, settings.first, settings.last, settings.pad)
        self._reader = Reader(self._tokenizer, settings.limit, bool(settings.earlier + settings.later))

    def arrays(self, items: Sequence[str | Passage], *, rows: int = 1, step: int = 1) -> Iterator[TextArrays]:
        """The arrays of all that have something to read: each alone, or ``rows`` of one length rounded up."""
        found = self._reader.read([item if isinstance(item, Passage) else Passage(item, "") for item in items])
        if self._settings.whole:
            found = [Tokens(one.ids, 0, len(one.ids)) for one in found]
        settings = self._settings
        yield from text_arrays(found, settings.limit, settings.pad, settings.pooling, rows=rows, step=step)

    def is_overlong(self, text: str) -> bool:
        """Whether a text goes on beyond what is read of it."""
        limit = self._settings.limit
        # A token is a byte at least, and most texts are short: they need not be looked at again.
        if len(text.encode("utf-8", "replace")) <= limit - self._tokenizer.num_special_tokens_to_add():
            return False
        if self._settings.whole:
            return len(first_tokens(self._tokenizer, [text], limit + 1)[0]) > limit
        return self._reader.read([Passage(text, "")])[0].is_cut
