from __future__ import annotations

from crossspace.features.speech.recognisers import HeardWord
from crossspace.features.speech.utterances import SpokenWord, cues_of, ends_sentence


def spoken(text: str, at: float = 0.0, each: float = 0.5, speaker: int | None = None) -> list[SpokenWord]:
    """Words one right after the other."""
    certainty = None if speaker is None else 0.8
    return [
        SpokenWord(HeardWord(f" {word}", at + i * each, at + (i + 1) * each, 0.9), speaker, certainty)
        for i, word in enumerate(text.split())
    ]


def texts(words: list[SpokenWord]) -> list[str | None]:
    return [cue.text for cue in cues_of(words)]


def test_an_utterance_ends_with_a_sentence_of_some_length() -> None:
    assert texts(spoken("I got the job today. Yes. I am so happy now.")) == [
        "I got the job today.",
        "Yes. I am so happy now.",
    ]
    # A breath ends a short one as well.
    assert texts(spoken("Yes.") + spoken("I am happy.", 0.9)) == ["Yes.", "I am happy."]


def test_a_second_of_silence_ends_an_utterance_inside_of_a_sentence() -> None:
    assert texts(spoken("well I") + spoken("do not know", 2.0)) == ["well I", "do not know"]
    assert texts(spoken("well I") + spoken("do not know", 1.9)) == ["well I do not know"]


def test_titles_and_initials_end_no_sentence() -> None:
    assert texts(spoken("And then Mr. John F. Dashwood came in.")) == ["And then Mr. John F. Dashwood came in."]
    assert ends_sentence(" so am I.") and ends_sentence(" 'no.'") and not ends_sentence(" dr.")


def test_another_speaker_begins_another_utterance() -> None:
    words = spoken("how are you", speaker=1) + spoken("fine and you", 1.5, speaker=0)
    assert [(cue.speaker, cue.text) for cue in cues_of(words)] == [
        ("speaker 1", "how are you"),
        ("speaker 2", "fine and you"),
    ]
    assert [cue.speaker for cue in cues_of(words, ["Ben", "Ann"])] == ["Ann", "Ben"]


def test_endless_talk_is_cut_at_its_longest_pauses_and_at_commas() -> None:
    words = spoken(" ".join(["la"] * 19) + " la,", each=0.5) + spoken(" ".join(["da"] * 20), 10.0)
    words += spoken(" ".join(["ba"] * 20), 20.4)
    cues = cues_of(words)
    assert [cue.text.split()[0] for cue in cues] == ["la", "da", "ba"]  # type: ignore[union-attr]
    assert all(cue.end - cue.start <= 15 for cue in cues)  # type: ignore[operator]
    # Nothing to go by: in the middle.
    halves = cues_of(spoken(" ".join(["la"] * 40)))
    assert [len(cue.text.split()) for cue in halves] == [20, 20]  # type: ignore[union-attr]


def test_every_utterance_says_how_sure_the_recogniser_is() -> None:
    words = [SpokenWord(HeardWord(" a", 0, 1, 0.5)), SpokenWord(HeardWord(" b", 1, 2, 0.9))]
    (cue,) = cues_of(words)
    assert cue.recognised == {"text": 0.7} and cue.speaker == "speaker"
    (cue,) = cues_of(spoken("a b", speaker=3))
    assert cue.recognised == {"text": 0.9, "speaker": 0.8} and cue.speaker == "speaker 1"


def test_languages_without_spaces_are_joined_without_them() -> None:
    words = [SpokenWord(HeardWord(sign, i / 2, (i + 1) / 2, 1.0)) for i, sign in enumerate("你好吗。我很好")]
    assert "".join(cue.text or "" for cue in cues_of(words)) == "你好吗。我很好"
