"""What a model asks of a corpus is looked for before anything is computed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from crossspace.data.corpus import Corpus
from crossspace.errors import UsageError
from crossspace.models import MODELS, Model
from crossspace.objectives.classification import CrossEntropy
from crossspace.training import checks
from crossspace.training.options import TrainingOptions
from tests.models.small import small


class AboutSentiments(CrossEntropy):
    needs_sentiments = True


def test_sentiments_that_an_objective_compares_with_are_stated_or_implied(
    tiny_corpus: Corpus, example: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = example(tiny_corpus.spec)
    monkeypatch.setattr(model, "objectives", lambda: [AboutSentiments()])
    implied = {"happy", "sad", "neutral", "angry"} & set(tiny_corpus.spec.labels)
    assert implied, "the labels of the corpus imply sentiments"
    checks.check_training(tiny_corpus, TrainingOptions(), model, 1)
    with monkeypatch.context() as mute:
        mute.setattr(Corpus, "sentiments", lambda self, split: self.labels(split) * 0 - 100)
        with pytest.raises(UsageError, match=r"no column `sentiment`.*imply none.*Add the column"):
            checks.check_training(tiny_corpus, TrainingOptions(), model, 1)
        ways = r"Add the column .* set `model\.sentiment_weight` and `model\.shift_weight` to 0"
        with pytest.raises(UsageError, match=ways):
            checks.check_training(tiny_corpus, TrainingOptions(), small(MODELS["graphsmile"], tiny_corpus.spec), 1)


def test_a_conversation_is_refused_whose_pairs_do_not_fit_into_memory(
    tiny_corpus: Corpus, example: type[Model], monkeypatch: pytest.MonkeyPatch
) -> None:
    model = example(tiny_corpus.spec)
    lengths = tiny_corpus.lengths("train")
    longest = max(lengths)
    name = tiny_corpus.conversation_ids("train")[lengths.index(longest)]
    monkeypatch.setattr(checks, "total_memory", lambda: 4 * 10 * longest**2)
    monkeypatch.setattr(model, "numbers_per_pair", lambda: 10.0)
    checks.check_training(tiny_corpus, replace(TrainingOptions(), epochs=1), model, 1)
    monkeypatch.setattr(model, "numbers_per_pair", lambda: 10.1)
    with pytest.raises(UsageError, match=rf"{longest} of '{name}' in the split 'train'.*Cut the conversation"):
        checks.check_training(tiny_corpus, TrainingOptions(), model, 1)
