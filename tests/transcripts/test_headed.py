"""A name and a time on a line of their own, the words below."""

import pytest


def rows(transcript):
    return [(cue.speaker, cue.start, cue.text) for cue in transcript.cues]


@pytest.mark.parametrize(
    "form",
    ["{0}  {1}  ", "{0}   {1}", "{0} ({1}):", "{0} [{1}]", "{0}\t{1}", "{0} - {1}", "{0} · {1}", "{0}: {1}",
     "[{1}] {0}", "{1} {0}", "{0} | {1}", "[{0}] {1}", "[{1}] - {0}"],
)  # fmt: skip
def test_names_above_the_words_are_read_in_any_usual_form(read, form):
    turns = [("Mira Castell", "0:03", "Hello."), ("Speaker 2", "0:09", "We met at 10:30\nand left."),
             ("Mira Castell", "1:02:07", "Oh: no."), ("Speaker 2", "1:02:09", "Yes.")]  # fmt: skip
    found = read("\n\n".join(f"{form.format(name, at)}\n{words}" for name, at, words in turns))
    assert rows(found) == [
        ("Mira Castell", 3, "Hello."),
        ("Speaker 2", 9, "We met at 10:30 and left."),
        ("Mira Castell", 3727, "Oh: no."),
        ("Speaker 2", 3729, "Yes."),
    ]
    assert (found.notes, found.format) == ((), "names with times above the words")


@pytest.mark.parametrize(
    "footer",
    ["Transcribed by https://otter.ai", "Transcript by Rev.com", "Meeting ended after 00:32:10 👋",
     "This editable transcript was computer generated and might contain errors."],
)  # fmt: skip
def test_titles_and_footers_are_left_out_and_said(read, footer):
    found = read(f"Weekly\nTue, Mar 12, 2024 • 32:10\n\nmira k  0:03\nHello.\n\nben  0:09\nThanks.\n\n{footer}\n")
    assert rows(found) == [("mira k", 3, "Hello."), ("ben", 9, "Thanks.")]
    assert found.notes == (
        "2 lines stand before the first time; left out (line 1, line 2).",
        "1 lines at the end say who made the transcript; left out (line 10).",
    )


def test_a_time_alone_is_one_of_the_lines_below(read):
    assert rows(read("0:03\nso we bake\n0:07\nbread\n")) == [("speaker", 3, "so we bake"), ("speaker", 7, "bread")]
    found = read("00:00:00\n\nMira K: Hi.\nTom: Ho.\n\n00:05:00\n\nMira K: Bye.\n")
    assert rows(found) == [("Mira K", 0, "Hi."), ("Tom", None, "Ho."), ("Mira K", 300, "Bye.")]


def test_what_ends_with_a_time_is_speech_where_no_words_stand_below(read):
    found = read("We met at 10:30\nand left at 11:45\nfor good\n")
    assert rows(found) == [("speaker", None, t) for t in ("We met at 10:30", "and left at 11:45", "for good")]


@pytest.mark.parametrize("form", ["{0}\n{1}\n{2}", "{1}\n{0}\n{2}", "{1} - {0}\n{2}", "{1} {0}\n{2}"])
@pytest.mark.parametrize("names", [("Anna", "Ben K", "Anna"), ("Speaker 1", "Speaker 2", "Speaker 3")])
def test_names_stand_above_or_below_their_times(read, form, names):
    said = ["Hello\nthere", "Thanks", "We do"]
    found = read("\n\n".join(form.format(n, f"0:0{at}", s) for at, (n, s) in enumerate(zip(names, said, strict=True))))
    assert rows(found) == [(names[0], 0, "Hello there"), (names[1], 1, "Thanks"), (names[2], 2, "We do")]
    assert found.notes == ()
