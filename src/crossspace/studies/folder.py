"""A study on disk: what was asked for, where each run lies, what failed."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import yaml

from crossspace.components import imported, needed, recorded, warn_of_changes
from crossspace.configuration import make_configuration, read_yaml, today
from crossspace.engine.claim import strangers
from crossspace.errors import DataError, UsageError
from crossspace.experiment.folder import differences
from crossspace.layering import current_name
from crossspace.reading import check_format, reading
from crossspace.runtime import write_new, write_text
from crossspace.stores import Place
from crossspace.studies.costs import Cost
from crossspace.studies.failures import Failures
from crossspace.studies.study import Conditions, Study, Variant

STUDY, COSTS = "study.yaml", "costs.json"
CONDITIONS = "conditions.parquet"
_FORMAT = 1
_ADJUSTABLE = ("data", "imports")


class StudyFolder:
    """The folder of one study.

    Args:
        path: where it lies.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)

    def run(self, variant: str) -> Path:
        """The run folder of a variant."""
        return self.path / "runs" / variant

    def claim(self, study: Study, data: Place, fingerprint: str, seeds: Sequence[int], threads: int) -> int:
        """Make the folder that of this study, or find that it is; returns the threads per training in force.

        Raises:
            UsageError: it holds another study, another corpus was used, or it holds something else.
        """
        stated = {**_stated(study, data, fingerprint, seeds, threads), **recorded(imported(), self.path)}
        path = self.path / STUDY
        # Asked twice: between the first look and the second another process may have made the study, and begun it.
        if not path.exists() and self._is_foreign() and not path.exists():
            raise UsageError(f"{self.path} should be a new or empty folder, or that of this study. Name another.")
        if not path.exists():
            write_new(path, yaml.safe_dump(json.loads(json.dumps(stated)), sort_keys=False, allow_unicode=True))
        before = read_yaml(path)
        stated["threads"] = before.get("threads", threads)  # the last digits of a training depend on it
        self._compare(_today(before), json.loads(json.dumps(stated)))
        return int(stated["threads"])

    def _is_foreign(self) -> bool:
        return any(not name.startswith(".") for name in strangers(self.path))

    def _compare(self, before: Mapping[str, Any], stated: Mapping[str, Any]) -> None:
        if before.get("fingerprint") != stated["fingerprint"]:
            raise UsageError(
                f"{self.path} holds a study on a corpus with the fingerprint {before.get('fingerprint')}; the corpus "
                f"given has {stated['fingerprint']}. Give the same corpus, or choose another folder."
            )
        other = [d for d in differences(dict(before), dict(stated)) if d[0] not in _ADJUSTABLE]
        if other:
            shown = "\n  ".join(f"{name}: {old!r} in the folder, {new!r} now" for name, old, new in other[:12])
            more = f"\n  and {len(other) - 12} more" if len(other) > 12 else ""
            raise UsageError(
                f"{self.path} holds another study:\n  {shown}{more}\nRun the same study again to go on with it, or "
                "choose another folder."
            )
        warn_of_changes(before.get("imports"), "The study")

    def read(self) -> dict[str, Any]:
        """What ``study.yaml`` says.

        Raises:
            DataError: the folder is not that of a study.
        """
        path = self.path / STUDY
        if not path.exists():
            raise DataError(
                f"{self.path} should be the folder of a study, which has a file {STUDY}. Found none. 'crossspace study "
                "run' makes one."
            )
        content = read_yaml(path)
        check_format(content.get("format"), _FORMAT, f"{path} (a study)")
        return content

    def study(self) -> Study:
        """The study that ``study.yaml`` describes."""
        content = self.read()
        with reading(self.path / STUDY, "the description of a study", "Restore it, or run the study elsewhere."):
            try:
                return _restored(content)
            except UsageError as error:
                raise UsageError(f"{error}{needed(content.get('imports'), self.path)}") from error

    @property
    def failures(self) -> Failures:
        """What failed when the study last ran."""
        return Failures(self.path)

    def costs(self) -> dict[str, Any]:
        """``{variant: [cost of every round]}``."""
        costs = self._json(COSTS)
        with reading(self.path / COSTS, "what every variant costs", "Remove it and run the study again.") as place:
            for place.at, rounds in costs.items():
                for measured in rounds:
                    Cost(**{name: float(value) for name, value in measured.items()})  # type: ignore[arg-type]
        return costs

    def write_costs(self, costs: Mapping[str, Any]) -> None:
        """Replace the record of costs."""
        write_text(self.path / COSTS, json.dumps(dict(costs), indent=2) + "\n")

    def _json(self, name: str) -> dict[str, Any]:
        path = self.path / name
        if not path.exists():
            return {}
        with reading(path, "a JSON object", "Remove it and run the study again."):
            return dict(json.loads(path.read_text(encoding="utf-8")))


def _today(content: Mapping[str, Any]) -> dict[str, Any]:
    """``study.yaml`` as this release writes it."""
    if not isinstance(content.get("variants"), dict):
        return dict(content)
    variants = {name: today(values) for name, values in content["variants"].items()}
    models = {str(values["model"]["name"]) for values in variants.values()}
    if len(models) != 1:
        return {**content, "variants": variants}

    def renamed(values: Mapping[str, Any] | None) -> dict[str, Any]:
        return {current_name(name, *models): value for name, value in (values or {}).items()}

    variants = {name: {**values, "point": renamed(values.get("point"))} for name, values in variants.items()}
    return {**content, "grid": renamed(content.get("grid")), "variants": variants}


def _stated(study: Study, data: Place, fingerprint: str, seeds: Sequence[int], threads: int) -> dict[str, Any]:
    return {
        "name": study.name,
        "about": study.about,
        "settings": study.settings,
        "data": str(data),
        "fingerprint": fingerprint,
        "seeds": list(seeds),
        "threads": threads,
        "reference": study.reference,
        "grid": dict(study.grid),
        "conditions": None if study.conditions is None else asdict(study.conditions),
        "report": list(study.report),
        "left_out": list(study.left_out),
        "variants": {v.name: _variant_to_dict(v) for v in study.variants},
    }


def _variant_to_dict(variant: Variant) -> dict[str, Any]:
    return {
        "about": variant.about,
        "published": variant.published,
        "point": dict(variant.point),
        "twin_of": variant.twin_of,
        **variant.configuration.to_dict(),
    }


def _restored(content: Mapping[str, Any]) -> Study:
    variants = []
    for name, values in content["variants"].items():
        tree = {key: values[key] for key in ("model", "balancer", "training")}
        variants.append(
            Variant(
                name=name,
                about=values["about"],
                configuration=make_configuration(tree, values["recipe"]),
                published=tuple(values["published"]) if values["published"] else None,
                point=values["point"],
                twin_of=values["twin_of"],
            )
        )
    conditions = content["conditions"]
    return Study(
        name=content["name"],
        about=content["about"],
        settings=content["settings"],
        variants=tuple(variants),
        reference=content["reference"],
        grid=content["grid"],
        conditions=None if conditions is None else Conditions(conditions["of"], tuple(conditions["rates"])),
        report=tuple(content["report"]),
        left_out=tuple(content["left_out"]),
    )
