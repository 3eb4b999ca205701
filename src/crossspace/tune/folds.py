"""The score of a configuration: weighted F1 over folds of the training and validation conversations."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from statistics import mean

from crossspace.configuration import Configuration
from crossspace.data.corpus import Corpus
from crossspace.data.cuts.recut import Rule
from crossspace.data.task import UNLABELLED
from crossspace.errors import UsageError
from crossspace.evaluation.scores import scores
from crossspace.predict import Predictor
from crossspace.runtime import seed_everything
from crossspace.training.devices import Devices
from crossspace.training.trainer import Trainer


class Folds:
    """Cuts a corpus into folds, none of which holds a conversation of the test split, and trains on them.

    Each fold is the test split of one training. The epoch is chosen on a tenth of the other conversations. A corpus
    whose splits were cut by labels or by groups is cut by the same rule here.

    Args:
        corpus: of which the splits train and validation are used together.
        count: number of folds.
        seeds: each fold is trained once for each of them.
        devices: where to compute.

    Raises:
        UsageError: fewer conversations or groups than folds, or a part of one without a label.
    """

    def __init__(self, corpus: Corpus, count: int, seeds: Sequence[int], devices: Devices) -> None:
        self.seeds, self.devices = list(seeds), devices
        rule = Rule.of(corpus)
        used = [*corpus.conversation_ids("train"), *corpus.conversation_ids("validation")]
        # Conversations of the test split belong to no split from here on, so that nothing can read them.
        closed = corpus.with_splits(dict.fromkeys(corpus.conversation_ids("test")))
        self.corpora = [_with_fold(closed, used, held_out, rule) for held_out in rule.folds(used, count)]
        for number, fold in enumerate(self.corpora):
            for split in ("train", "validation", "test"):
                if not (fold.labels(split) != UNLABELLED).any():
                    raise UsageError(
                        "Each fold needs labelled conversations in it, and outside of it some to train on and some to "
                        f"choose the epoch on. Fold {number} of {count} of corpus {corpus.name!r} has none for its "
                        f"split {split!r}. Use another number of folds, or more conversations."
                    )

    def score(self, configuration: Configuration, fold: int, folder: Path) -> float:
        """The weighted F1 on a fold, averaged over the seeds; what was begun in ``folder`` is gone on with.

        Args:
            configuration: what is trained; its protocol is validation.
            fold: which one, from 0.
            folder: for the files of the training, which are removed when it ends.
        """
        return mean(self._train(configuration, fold, seed, folder / f"fold-{fold}-seed-{seed}") for seed in self.seeds)

    def _train(self, configuration: Configuration, fold: int, seed: int, folder: Path) -> float:
        whole = self.corpora[fold]
        configuration.check(whole)
        # With the modalities of this configuration, which a search may vary.
        corpus = configuration.view(whole)
        folder.mkdir(parents=True, exist_ok=True)
        fabric = self.devices.fabric(configuration.training.precision)
        seed_everything(seed)
        model = configuration.build_model(corpus.spec, set(whole.spec.modalities) - set(corpus.spec.modalities))
        trainer = Trainer(fabric, corpus, model, configuration.build_balancer(), configuration.training, folder, seed)
        with self.devices.limit_threads(sum(p.numel() for p in model.parameters())):
            trainer.fit()
            inference = Predictor.from_pretrained(folder).infer_corpus(corpus, "test")
        # Hundreds of trials with a model for each fold would fill a disk.
        shutil.rmtree(folder, ignore_errors=True)
        result = scores(corpus.labels("test"), inference.probabilities.argmax(1), corpus.spec.labels)
        return float(result.weighted_f1)


def _with_fold(corpus: Corpus, used: Sequence[str], held_out: Sequence[str], rule: Rule) -> Corpus:
    """The corpus with one fold as its test split and a tenth of the other conversations as validation."""
    others = set(used) - set(held_out)
    return corpus.with_splits(
        {
            **dict.fromkeys(others, "train"),
            # An epoch chosen on the fold itself would be the luckiest of many, and training longer would always look
            # better.
            **dict.fromkeys(rule.choose(others), "validation"),
            **dict.fromkeys(held_out, "test"),
        }
    )
