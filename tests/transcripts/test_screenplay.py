"""Screenplays: a name in capitals on a line of its own, the words below."""

import pytest


def rows(transcript):
    return [(cue.speaker, cue.text) for cue in transcript.cues]


SCENE = """INT. KITCHEN - NIGHT

Anna opens the door. BEN waits.

                    ANNA
               (quietly)
          Hello there.
          Are you: well?

                    BEN (V.O.)
          No.

                    ANNA (CONT'D)
          Oh.

CUT TO:
"""


def test_a_scene_gives_its_speeches_and_says_what_was_left_out(read):
    found = read(SCENE)
    assert rows(found) == [("ANNA", "Hello there. Are you: well?"), ("BEN", "No."), ("ANNA", "Oh.")]
    assert found.notes == ("4 lines of directions left out (line 1, line 3, line 6, line 16).",)


@pytest.mark.parametrize("gap", ["\n", "\n\n"])
@pytest.mark.parametrize("colon", ["", ":"])
def test_speeches_follow_each_other_with_and_without_blank_lines(read, gap, colon):
    speeches = [("ÉVA B.2", "Hi."), ("BEN", "Ho."), ("BEN", "No!")]
    assert rows(read(gap.join(f"{name}{colon}\n{words}" for name, words in speeches))) == speeches


@pytest.mark.parametrize("text", ["Well.\nSTOP\nI mean it.\nSTOP\nReally.\nOh.\nOk.", "HELLO\nYOU\nTHERE"])
def test_who_shouts_is_no_name(read, text):
    assert [text for _, text in rows(read(text))] == text.split("\n")
