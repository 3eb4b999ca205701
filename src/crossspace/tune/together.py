"""A search by several workers, each of which searches as a process that was begun as shared."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crossspace.data.corpus import Corpus
from crossspace.engine.work import Failed, Report, Reported, Work, one_line
from crossspace.engine.workers import Engine
from crossspace.errors import CrossspaceError
from crossspace.training.devices import Devices
from crossspace.tune.folds import Folds
from crossspace.tune.search import Progress, Search
from crossspace.tune.space import Space
from crossspace.tune.trials import Trials


@dataclass(frozen=True)
class Plan:
    """A search, as a worker is told of it.

    Attributes:
        space: what may change around which configuration.
        corpus: file of the corpus.
        folds, seeds: of each trial.
        device, threads: where to compute.
        settings: what the search depends on.
        folder: of the search.
        storage: where the trials stand, perhaps with a password.
        at_once: trials of a generation.
        trials: in all.
    """

    space: Space
    corpus: str
    folds: int
    seeds: int
    device: str
    threads: int | None
    settings: dict[str, Any]
    folder: Path
    storage: str | None = field(repr=False)
    at_once: int | None
    trials: int

    def search(self, corpus: Corpus, on_progress: Callable[[Progress], None] | None, shared: bool) -> Search:
        """The search itself."""
        folds = Folds(corpus, self.folds, range(self.seeds), Devices(self.device, 1, self.threads))
        return Search(self.space, folds, self.settings, self.folder, on_progress, shared, self.storage, self.at_once)


def search_together(
    plan: Plan, corpus: Corpus, engine: Engine, jobs: int, on_progress: Callable[[Progress], None]
) -> Trials:
    """Search in several workers at a time, and return the trials.

    A worker that dies is begun once more; the others go on with its trial meanwhile.

    Raises:
        CrossspaceError: the search cannot begin, or every worker failed before it was over.
    """
    search = plan.search(corpus, on_progress, shared=True)
    search.begin()
    reasons = _followed(engine, plan, jobs, on_progress)
    known = search.begin()
    if len(known.finished()) < plan.trials:
        raise CrossspaceError(
            f"The search in {plan.folder} ended with {len(known.finished())} of {plan.trials} trials, because its "
            f"workers failed: {'; '.join(dict.fromkeys(reasons))}. Finished trials are saved; the same command goes on."
        )
    return search.run(plan.trials)  # which has nothing left to do but to write the best down


def _followed(engine: Engine, plan: Plan, jobs: int, on_progress: Callable[[Progress], None]) -> list[str]:
    """Listen to the workers until all have ended; why some failed."""
    reasons, begun_again = [], set()
    with engine.workers(Work(_begin, _search, plan), jobs, threads=plan.threads) as running:
        running.add(range(jobs))
        for event in running:
            if isinstance(event, Reported):
                on_progress(event.message)
            elif isinstance(event, Failed):
                reasons.append(one_line(event.reason))
                if event.died and event.item not in begun_again:
                    begun_again.add(event.item)
                    running.add([event.item])
    return reasons


def _begin(plan: Plan) -> tuple[Plan, Corpus]:
    return plan, Corpus.read(plan.corpus)


def _search(state: tuple[Plan, Corpus], number: int, report: Report) -> None:
    plan, corpus = state
    plan.search(corpus, report, shared=True).run(plan.trials)
