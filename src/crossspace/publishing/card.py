"""The card of a trained model: written from what the model and its run say, and plain about what they do not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from crossspace.analysis.card import card_of
from crossspace.errors import DataError, MismatchError
from crossspace.evaluation.captions import METRIC_CAPTIONS, plain, spelled
from crossspace.evaluation.rendering import PROTOCOL_CAPTIONS, render
from crossspace.evaluation.run_folder import RunRecord
from crossspace.experiment.folder import RunFolder
from crossspace.features.extractors.base import named
from crossspace.predict import Predictor
from crossspace.reading import reading

_HUB_METRICS = {"weighted_f1": "f1", "accuracy": "accuracy", "macro_f1": "f1", "uar": "recall"}
"""As hubs call them."""
_CORPUS: dict[str, Any] = dict.fromkeys(("name", "source", "licence", "fingerprint"))


def written_card(
    predictor: Predictor,
    *,
    run: str | Path | None = None,
    name: str | None = None,
    licence: str | None = None,
    exported: bool = False,
) -> str:
    """The card of a model: the ``README.md`` beside it where there is one, else one that is made of what is known.

    Args:
        predictor: of the model.
        run: the folder of the finished run that it is from; looked for beside the model if none is given.
        name: how others load it, such as ``owner/name``.
        licence: of the weights, by its short name on hubs, such as ``apache-2.0``.
        exported: whether it goes with the model as ONNX.

    Raises:
        DataError: the run is damaged.
        MismatchError: the run is that of another model.
    """
    return card_of(predictor) or made_card(predictor, run=run, name=name, licence=licence, exported=exported)


def made_card(
    predictor: Predictor,
    *,
    run: str | Path | None = None,
    name: str | None = None,
    licence: str | None = None,
    exported: bool = False,
) -> str:
    """The same, made anew whatever lies beside the model."""
    record = _record(predictor, run)
    details, model = predictor.model.details, predictor.model
    corpus = {**_CORPUS, **details.get("corpus", {}), **(record.environment["corpus"] if record else {})}
    context = {
        "head": _head(predictor, record, corpus, licence),
        "title": spelled(model.name),
        "model": model,
        "parameters": sum(p.numel() for p in model.parameters()),
        "name": name or predictor.name,
        "corpus": corpus,
        "counts": corpus.get("training_labels") or details.get("training_labels") or {},
        "extractors": {m: named(e) for m, e in predictor.extractors.items() if e},
        "seen": details.get("seen") or {},
        "details": details,
        "seed": details.get("seed"),
        "record": record,
        "results": record.results if record else None,
        "place": _place(predictor, record),
        "metric_captions": METRIC_CAPTIONS,
        "protocol": record.protocol if record else details.get("protocol"),
        "protocol_captions": PROTOCOL_CAPTIONS,
        "chosen": _chosen(predictor, record),
        "configuration": _configuration(record),
        "calibration": details.get("calibration"),
        "licence": licence,
        "exported": exported,
    }
    context["unknown"] = _unknown(context)
    return render("card.md.jinja", context)


def _record(predictor: Predictor, run: str | Path | None) -> RunRecord | None:
    """The run that a model is from, if it is known."""
    if run is not None:
        record = RunRecord.read(run)
        if (found := _other(predictor, record)) is not None:
            raise MismatchError(
                f"{run} should be the run that {predictor.name} is from. Found another {found}. Give its own run, or "
                "leave it out."
            )
        return record
    for folder in (Path(predictor.name), Path(predictor.name).parent):
        if folder.is_dir() and RunFolder(folder).is_finished:
            record = RunRecord.read(folder)
            return record if _other(predictor, record) is None else None
    return None


def _other(predictor: Predictor, record: RunRecord) -> str | None:
    """In what a model and a run differ, if they do."""
    details, environment = predictor.model.details, record.environment
    if environment["model"]["name"] != predictor.model.name:
        return f"model, {environment['model']['name']}"
    if environment["corpus"].get("fingerprint") != details.get("corpus", {}).get("fingerprint"):
        return "corpus"
    if details.get("seed") not in record.seeds:
        return f"seeds, {', '.join(map(str, record.seeds))}"
    return None


def _place(predictor: Predictor, record: RunRecord | None) -> int | None:
    """Which of the scores of a run are those of this very model."""
    return None if record is None else record.seeds.index(int(predictor.model.details["seed"]))


def _chosen(predictor: Predictor, record: RunRecord | None) -> dict[str, Any] | None:
    found = record.environment.get("chosen", []) if record else []
    return next((entry for entry in found if entry["seed"] == predictor.model.details.get("seed")), None)


def _configuration(record: RunRecord | None) -> str | None:
    """What repeats the run, without the paths of the machine it ran on."""
    if record is None:
        return None
    with reading(record.folder, "the configuration of a run (YAML)"):
        stated = {key: value for key, value in yaml.safe_load(record.config).items() if key not in ("data", "imports")}
    return str(yaml.safe_dump(stated, sort_keys=False, allow_unicode=True))


def _head(predictor: Predictor, record: RunRecord | None, corpus: dict[str, Any], licence: str | None) -> str:
    """What hubs read, as YAML."""
    task = predictor.task
    tags = ["emotion-recognition", "emotion-recognition-in-conversation", predictor.model.name]
    tags += ["multimodal"] if len(task.modalities) > 1 else []
    head: dict[str, Any] = {"library_name": "crossspace", "license": _line(licence), "tags": tags}
    head["pipeline_tag"] = "text-classification" if task.modalities == ("text",) else None
    head["language"] = _line(predictor.model.details.get("language"))
    if record is not None and record.protocol == "validation":
        head["model-index"] = [_index(predictor, record, corpus)]
    kept = {key: value for key, value in head.items() if value is not None}
    return str(yaml.safe_dump(kept, sort_keys=False, allow_unicode=True))


def _line(text: Any) -> str | None:
    return None if text is None else plain(str(text))


def _index(predictor: Predictor, record: RunRecord, corpus: dict[str, Any]) -> dict[str, Any]:
    """The scores of this very model; they are left out where the test split chose the epoch."""
    place, metrics = _place(predictor, record), record.results["metrics"]
    corpus_name = plain(str(corpus.get("name", "unknown")))
    return {
        "name": predictor.model.name,
        "results": [
            {
                "task": {"type": "text-classification", "name": "Emotion recognition in conversation"},
                "dataset": {"type": corpus_name, "name": corpus_name, "split": record.results["split"]},
                "metrics": [
                    {
                        "type": _HUB_METRICS[key],
                        "name": METRIC_CAPTIONS[key],
                        "value": round(float(metrics[key]["values"][place]), 4),
                    }
                    for key in _HUB_METRICS
                    if key in metrics
                ],
            }
        ],
    }


def _unknown(context: dict[str, Any]) -> list[str]:
    """What a reader would ask and nothing answers."""
    details, found = context["details"], []
    if context["licence"] is None:
        found.append("Under which licence the weights may be used: whoever trained them did not say.")
    if not context["corpus"].get("licence"):
        found.append("Under which licence the corpus stands.")
    if context["record"] is None:
        found.append("How good it is: the folder of its run is not beside it. Score it with `crossspace evaluate`.")
    if not context["extractors"]:
        found.append("What made the features that it learned from; its own must be made in the same way.")
    if not details.get("language"):
        found.append("Which languages the conversations are in.")
    if context["calibration"] is None:
        found.append("How far its confidence can be trusted: it was not calibrated.")
    found.append("How it does for people, languages and situations that its corpus does not hold.")
    return found


def stated_card(predictor: Predictor, run: str | Path | None = None) -> str:
    """The card for the command that prints it.

    Raises:
        DataError: the model has no card and says nothing of itself that one could be made of.
    """
    if card_of(predictor) is None and not predictor.model.details:
        raise DataError(
            f"{predictor.name} has no card, and says nothing of how it was trained. A README.md beside it would be one."
        )
    return written_card(predictor, run=run)
