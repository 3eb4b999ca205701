"""The score of a configuration: validation weighted F1 over folds of the training and validation conversations."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import mean

from crossspace.configuration import Configuration
from crossspace.data.corpus import Corpus
from crossspace.data.splits import folds
from crossspace.data.task import UNLABELLED
from crossspace.errors import UsageError
from crossspace.runtime import seed_everything
from crossspace.training.devices import Devices
from crossspace.training.trainer import Event, Trainer


class Folds:
    """Cuts a corpus into folds, none of which holds a conversation of the test split, and trains on them.

    Args:
        corpus: of which the splits train and validation are used together.
        count: number of folds; each is the validation split of one training.
        seeds: each fold is trained once for each of them.
        devices: where to compute.

    Raises:
        UsageError: fewer conversations than folds, or a fold without a label.
    """

    def __init__(self, corpus: Corpus, count: int, seeds: Sequence[int], devices: Devices) -> None:
        self.seeds, self.devices = list(seeds), devices
        used = [*corpus.conversation_ids("train"), *corpus.conversation_ids("validation")]
        closed = corpus.with_splits(dict.fromkeys(corpus.conversation_ids("test")))
        open_ = dict.fromkeys(used, "train")
        self.corpora = [
            closed.with_splits({**open_, **dict.fromkeys(held, "validation")}) for held in folds(used, count)
        ]
        for number, fold in enumerate(self.corpora):
            for split in ("train", "validation"):
                if not (fold.labels(split) != UNLABELLED).any():
                    raise UsageError(
                        f"Each fold needs labelled conversations in and outside of it. Fold {number} of {count} of "
                        f"corpus {corpus.name!r} has none in its split {split!r}. Use fewer folds."
                    )

    def score(self, configuration: Configuration, fold: int, folder: Path, alive: Callable[[], None]) -> float:
        """The best epoch's validation weighted F1 on a fold, averaged over the seeds.

        Args:
            configuration: what is trained; its protocol is validation.
            fold: which one, from 0.
            folder: for the files of the training, which are removed when it ends.
            alive: called after every step.
        """
        found = []
        for seed in self.seeds:
            found.append(self._train(configuration, fold, seed, folder / f"fold-{fold}-seed-{seed}", alive))
        return mean(found)

    def _train(
        self, configuration: Configuration, fold: int, seed: int, folder: Path, alive: Callable[[], None]
    ) -> float:
        corpus = self.corpora[fold]
        folder.mkdir(parents=True, exist_ok=True)
        fabric = self.devices.fabric(configuration.training.precision)
        seed_everything(seed)
        model = configuration.build_model(corpus.spec)

        def heard(event: Event) -> None:
            alive()

        trainer = Trainer(
            fabric,
            corpus,
            model,
            configuration.build_balancer(),
            configuration.training,
            folder,
            seed,
            on_event=heard,
        )
        with self.devices.limit_threads(sum(p.numel() for p in model.parameters())):
            best = trainer.fit()
        shutil.rmtree(folder, ignore_errors=True)
        return best.score
