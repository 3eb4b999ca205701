import json

import pytest

from crossspace.errors import DataError
from crossspace.transcripts.formats.json_file import parse_json
from crossspace.transcripts.formats.table import parse_csv
from crossspace.transcripts.transcript import Cue, Transcript

MELD = (
    "Sr No.,Utterance,Speaker,Emotion,Sentiment,Dialogue_ID,Utterance_ID,Season,Episode,StartTime,EndTime\n"
    '1,"Well, hello.",The Interviewer,neutral,neutral,0,0,8,21,"00:16:16,059","00:16:21,731"\n'
    '2,Hi.,Chandler,joy,positive,0,1,8,21,"00:16:21,940","00:16:23,442"\n'
)
EMORYNLP = (
    "Utterance,Speaker,Emotion,Scene_ID,Utterance_ID,Season,Episode,Start_Time,End_Time\n"
    "Coffee.,['Rachel Green'],Neutral,1,1,1,15,00:00:03.795,00:00:05.004\n"
    "\"Thanks.\",\"['Joey Tribbiani', 'Ross Geller']\",Joyful,1,2,1,15,00:00:05.171,00:00:07.423\n"
)


def test_the_columns_of_meld_are_known():
    found = parse_csv(MELD, "meld.csv")
    times = [pytest.approx(t) for t in (976.059, 981.731, 981.94, 983.442)]
    assert found.cues == (
        Cue("Well, hello.", "The Interviewer", *times[:2], "neutral", sentiment="neutral"),
        Cue("Hi.", "Chandler", *times[2:], "joy", sentiment="positive"),
    )


@pytest.mark.parametrize(("value", "read"), [(" Positive", "positive"), ("", None), ("-1.3", None), ("mixed", None)])
def test_a_sentiment_is_one_of_three_names(value: str, read: str | None):
    cues = parse_csv(f"text,speaker,sentiment\nHi.,A,{value}\n", "a.csv").cues
    assert [cue.sentiment for cue in cues] == [read]


def test_the_columns_of_emorynlp_are_known():
    found = parse_csv(EMORYNLP, "emory.csv")
    assert [cue.speaker for cue in found.cues] == ["Rachel Green", "Joey Tribbiani and Ross Geller"]
    assert found.cues[0].start == pytest.approx(3.795) and found.cues[0].label == "Neutral"


@pytest.mark.parametrize("other", [",1,0,8,21,", ",0,5,8,22,"])
def test_a_table_of_several_conversations_names_the_command_for_it(other):
    with pytest.raises(DataError, match=r"Found 2.*crossspace extract"):
        parse_csv(MELD + f'3,No.,Joey,anger,negative{other}"00:00:01,000","00:00:02,000"\n', "meld.csv")


def test_a_table_without_words_says_which_columns_it_has():
    with pytest.raises(DataError, match="Found the columns speaker, when"):
        parse_csv("speaker,when\nAnna,1\n", "a.csv")


def test_times_that_cannot_be_read_are_unknown_and_noted():
    found = parse_csv("text,start,end\nHi,soon,2\nHo,3,4\n", "a.csv")
    assert (found.cues[0].start, found.cues[0].end) == (None, None)
    assert "line 2: start 'soon'" in found.notes[0]


def test_starts_alone_end_where_the_next_begins():
    found = parse_csv("text,start\nA,1\nB,2.5\n", "a.csv")
    assert [(cue.start, cue.end) for cue in found.cues] == [(1, 2.5), (2.5, None)]


def test_names_of_utterances_do_not_matter():
    found = parse_csv("id,text\n1,A\n1,B\n", "a.csv")
    assert found == Transcript((Cue("A"), Cue("B")))


def test_rows_that_are_short_or_long_lose_nothing_else():
    found = parse_csv("text,speaker,start,end\nA\nB,Bob,1,2,extra\n", "a.csv")
    assert [(cue.text, cue.speaker) for cue in found.cues] == [("A", "speaker"), ("B", "Bob")]


def test_words_that_are_not_known_stay_unknown():
    found = parse_json(
        json.dumps({"utterances": [{"start": 1, "end": 2}, {"text": None, "start": 3, "end": 4}]}), "a.json"
    )
    assert [cue.text for cue in found.cues] == [None, None]


@pytest.mark.parametrize(
    "content", ["{", "3", "{}", '{"segments": 3}', '"text"', "[1, 2]", '[{"text": {"a": 1}}]', "[" * 100_000]
)
def test_json_of_another_shape_is_refused(content):
    with pytest.raises(DataError, match=r"a\.json should"):
        parse_json(content, "a.json")


@pytest.mark.parametrize("time", ["NaN", "Infinity", "true", '"1e999"', "[1]", "-3"])
def test_impossible_times_are_unknown_and_noted(time):
    found = parse_json(f'[{{"text": "A", "start": {time}, "end": 5}}]', "a.json")
    assert (found.cues[0].start, found.cues[0].end) == (None, None)
    assert len(found.notes) == 1


@pytest.mark.parametrize("name", ["start_ms", "Start (ms)", "start [ms]", "StartMS", "start.ms.", "Start time (ms)"])
def test_milliseconds_are_known_however_their_column_is_written(name):
    found = parse_csv(f"text;{name}\nA;500\n", "a.csv")
    assert found.cues[0].start == 0.5


@pytest.mark.parametrize(
    ("content", "message"),
    [("[" * 100_000, "it is nested too deeply"), ("[" + "9" * 5000 + "]", "a number with too many digits")],
)
def test_json_beyond_all_measure_is_refused_in_plain_words(content, message):
    with pytest.raises(DataError, match=rf"a\.json should be JSON\. Found: {message}\."):
        parse_json(content, "a.json")
