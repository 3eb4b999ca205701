from __future__ import annotations

from pathlib import Path

import pytest

from crossspace.errors import DataError, UsageError
from crossspace.features.extraction.labels import Labels
from crossspace.features.sources import find_recordings


def test_what_stands_for_no_label_stays_as_context_without_one() -> None:
    known = Labels(["joy", "anger"], ["xxx", "oth"])
    assert [known.relabel(label) for label in ("joy", "xxx", "oth")] == ["joy", None, None]
    assert known.set_aside({"joy": 1, "xxx": 2, "oth": 1}) == {"xxx": 2, "oth": 1}


def test_case_does_not_matter_and_labels_are_written_as_they_were_given() -> None:
    known = Labels(["Joyful"], ["OTH"])
    assert [known.relabel(label) for label in ("joyful", "JOYFUL", "oth")] == ["Joyful", "Joyful", None]
    assert [Labels((), ["oth"]).relabel(label) for label in ("Mad", "oth")] == ["Mad", None]


def test_other_labels_are_refused_with_their_utterances_and_what_to_do() -> None:
    labels = [(f"utterance 'a_{i}'", label) for i, label in enumerate(["joy", "angr", "xxx", "angr", None])]
    with pytest.raises(DataError) as error:
        Labels(["joy"]).refuse_unknown(labels)
    for told in ("3 utterances", "'angr': utterance 'a_1', utterance 'a_3'", "'xxx': utterance 'a_2'", "--unlabelled"):
        assert told in str(error.value)


def test_the_rows_of_a_table_are_named_before_anything_is_extracted(tmp_path: Path) -> None:
    path = tmp_path / "train.csv"
    path.write_text("Utterance,Emotion,Dialogue_ID\na,joy,0\nb,,0\nc,wrath,1\n", encoding="utf-8")
    recordings = find_recordings(path)
    Labels(["joy"], ["wrath"]).check(recordings)
    with pytest.raises(DataError, match=r"'wrath': .*train\.csv, row 4"):
        Labels(["joy"]).check(recordings)


def test_a_label_is_not_both() -> None:
    with pytest.raises(UsageError, match="'joy' under both"):
        Labels(["Joy"], ["joy"])
