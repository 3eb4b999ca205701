"""Whether what is said is in the language that a model learned from."""

from __future__ import annotations

import re
from collections.abc import Sequence

from crossspace.errors import MissingExtraError
from crossspace.runtime import optional_import

_WORD = re.compile(r"[^\W\d_]+(?:['\u2019][^\W\d_]+)?")
_ENGLISH = frozenset(
    (
        *("the", "and", "you", "that", "it's", "i'm", "don't", "what", "this", "with", "have", "are", "your"),
        *("they", "not", "but", "there", "know", "just", "would", "it", "he's", "she's", "we're", "you're"),
        *("i'll", "i've", "can't", "didn't", "that's", "from", "for", "do", "did", "how", "where", "when", "which"),
        *("who", "been", "were", "going", "really", "never", "could", "should", "about", "because", "why", "here"),
        *("them", "she", "him", "his", "think", "said", "something", "anything", "nothing", "then", "time", "well"),
        *("let's", "wait", "thank", "great", "good", "look", "right", "please", "more", "any", "some", "still"),
    )
)
"""Words that every English conversation is full of and other languages hardly know: of 4,809 pairs of utterances of
MELD all but 9 % have enough of them."""
_SHARE = 0.15
_FEWEST, _MOST = 4, 2000
"""Words below which nothing is said of the language, and that are looked at."""


def foreign(texts: Sequence[str]) -> str | None:
    """The ISO 639 code of the language that most of the texts are in, where that is not English.

    Where English words are frequent it is English; otherwise py3langid decides (Lui and Baldwin 2012, *langid.py*),
    whose table takes 0.4 seconds to load, a fifth of a short analysis.

    Raises:
        MissingExtraError: it is needed and not installed.
    """
    words = [w.replace("\u2019", "'") for text in texts for w in _WORD.findall(text.lower())][:_MOST]
    letters = "".join(words)
    # A language without spaces has few words; its letters count.
    if len(words) < _FEWEST and (len(letters) < 2 * _FEWEST or letters.isascii()):
        return None
    if sum(word in _ENGLISH for word in words) >= _SHARE * len(words):
        return None
    language, _ = optional_import("py3langid", "text").classify(" ".join(words))
    return None if language == "en" else str(language)


def language_note(texts: Sequence[str], model: str) -> str | None:
    """A sentence where a model that learned from English reads something else.

    Args:
        texts: of a conversation.
        model: how it is called.
    """
    try:
        language = foreign(texts)
    except MissingExtraError as error:
        return f"Whether the text is English was not looked at. {error}"
    if language is None:
        return None
    return (
        f"Most of the text seems to be in another language than English (ISO 639: {language}). {model[0].upper()}"
        f"{model[1:]} learned from English alone: what it says here means nothing."
    )
