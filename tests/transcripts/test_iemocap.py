"""Transcriptions as IEMOCAP is distributed."""


def test_ids_speakers_and_times_are_read_and_the_rest_is_said(read):
    found = read(
        "Ses05M_script01_1b_M000 [012.5000-014.2500]: [LAUGHTER]\n"
        "Ses05M_script01_1b_FXX0 [014.0000-015.0000]: uh\n"
        "F: And so?\n"
        "Ses05M_script01_1b_F000 [015.1000-016.0000]: I said: no (well).\n"
    )
    assert [(c.id, c.speaker, c.start, c.end, c.text) for c in found.cues] == [
        ("Ses05M_script01_1b_M000", "M", 12.5, 14.25, "[LAUGHTER]"),
        ("Ses05M_script01_1b_F000", "F", 15.1, 16.0, "I said: no (well)."),
    ]
    assert found.notes == (
        "1 pseudo-utterances (XX in their id) left out (line 2).",
        "1 lines have no id and times of an utterance; left out (line 3).",
    )
    assert (found.sounds, found.format) == ((), "transcriptions of IEMOCAP")
