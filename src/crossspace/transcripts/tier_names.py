"""What the name of a tier says about what it holds."""

from __future__ import annotations

import re
import unicodedata

_PARTS = re.compile(r"[^\W_]+")
_LAYERS = {
    "words": {"word", "words", "wrd", "token", "tokens"},
    "sounds": {
        *("phone", "phones", "phoneme", "phonemes", "phn", "syllable", "syllables", "syl", "mau", "kan", "ipa"),
        *("tone", "tones", "tobi", "pitch", "f0", "segment", "segments", "breaks"),
    },
    "utterances": {
        *("utterance", "utterances", "utt", "sentence", "sentences", "transcript", "transcripts", "transcription"),
        *("orthography", "ort", "text", "txt", "tx", "ref", "speech", "turn", "turns", "ipu", "ipus"),
    },
    # Last: what else a name says comes first, as in "text of the comments".
    "company": {
        *("gesture", "gestures", "gaze", "nod", "nods", "posture", "facial", "movement", "movements", "handshape"),
        *("translation", "translations", "gloss", "glosses", "comment", "comments", "noise", "noises", "music"),
    },
}
_EMOTION = re.compile(r"emo[tcz]i|affect|(?:^|[\W_])emo(?:$|[\W_\d])")
_NUMBER = re.compile(r"[^\s\d]{0,40}\d[^\s]{0,40}")


def layer_of(name: str) -> str | None:
    """``words``, ``sounds``, ``utterances`` or their ``company`` where the name of a tier says that it holds these."""
    parts = set(_PARTS.findall(name.lower()))
    return next((layer for layer, names in _LAYERS.items() if parts & names), None)


def speaker_in(name: str) -> str:
    """The name of a tier without what says its layer: ``Ann - words`` is ``Ann``, ``words`` is nobody."""
    layer = layer_of(name)
    if layer is None:
        return name.strip()
    kept = _PARTS.sub(lambda part: "" if part.group().lower() in _LAYERS[layer] else part.group(), name)
    return " ".join(kept.split()).strip("-_@:./|()[] ")


def is_emotion(name: str) -> bool:
    """Whether a name is one for emotions; in many languages that word has the same beginning."""
    plain = "".join(c for c in unicodedata.normalize("NFKD", name.lower()) if not unicodedata.combining(c))
    return _EMOTION.search(plain) is not None


def is_predicted(name: str) -> bool:
    """Whether a tier says that a model has filled it, as those do that this package writes."""
    return "predicted" in name.lower()


def is_number(text: str) -> bool:
    """Whether a text counts something, such as ``kk.0012``, and says nothing."""
    return _NUMBER.fullmatch(text.strip()) is not None
