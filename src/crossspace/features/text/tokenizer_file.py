"""The tokenizer of a network from its ``tokenizer.json``, without the library of the network."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from crossspace.extras import optional_import


@contextmanager
def panic_told() -> Iterator[None]:
    """Inside, a failure deep in the library, which no ``except Exception`` sees, becomes a :class:`ValueError`."""
    try:
        yield
    except BaseException as error:
        if type(error).__name__ != "PanicException":
            raise
        raise ValueError(f"the tokenizer fails ({error})") from error


class TokenizerFile:
    """A tokenizer, with as much of the interface of ``transformers`` as is used here.

    Args:
        pieces: what the library ``tokenizers`` made of the file.
        longest: tokens that the network has positions for.
        first, last: ids of the tokens before and behind a text, where there are such.
        pad: the id of what fills rows up.

    """

    bos_token = bos_token_id = eos_token_id = None

    def __init__(self, pieces: Any, longest: int, first: int | None, last: int | None, pad: int) -> None:
        self._pieces = pieces
        # The file may ask for either; lengths are decided here, text by text.
        self._pieces.no_padding()
        self._pieces.no_truncation()
        self.cls_token_id, self.sep_token_id, self.pad_token_id = first, last, pad
        self.cls_token = None if first is None else self._pieces.id_to_token(first)
        self.model_max_length = longest

    @classmethod
    def of_bert(cls, path: Path, longest: int) -> TokenizerFile:
        """That of a BERT, in whose vocabulary the special tokens have their usual names.

        Raises:
            MissingExtraError: ``tokenizers`` is not installed.
        """
        pieces = optional_import("tokenizers", "text").Tokenizer.from_file(str(path))
        first, last, pad = (pieces.token_to_id(token) for token in ("[CLS]", "[SEP]", "[PAD]"))
        return cls(pieces, longest, first, last, pad)

    @property
    def backend_tokenizer(self) -> Any:
        """What the library calls so."""
        return self._pieces

    def num_special_tokens_to_add(self) -> int:
        """Tokens that stand around a text."""
        return (self.cls_token_id is not None) + (self.sep_token_id is not None)

    def __call__(
        self, texts: Sequence[str], truncation: bool, max_length: int, add_special_tokens: bool = True
    ) -> dict[str, list[list[int]]]:
        """The ids of each text, at most ``max_length``."""
        ends = (self.cls_token_id, self.sep_token_id)
        first, last = ([i] if add_special_tokens and i is not None else [] for i in ends)
        room = max_length - len(first) - len(last)
        # Without special tokens: they are put around what is left after the cut.
        with panic_told():
            encodings = self._pieces.encode_batch(list(texts), add_special_tokens=False)
        return {"input_ids": [[*first, *one.ids[:room], *last] for one in encodings]}
