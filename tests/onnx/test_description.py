"""What stands beside an exported model is held to what a model can be, and named where it is not."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from crossspace.errors import DataError
from crossspace.onnx.description import Description

WRITTEN = Path(__file__).resolve().parents[1] / "fixtures" / "released" / "0.2.0" / "exported" / "exported.json"
_CALIBRATED = {"unsure_below": 0.5, "right": 0.8}


def _task(**changes: object) -> Callable[[dict[str, Any]], None]:
    return lambda plain: plain["task"].update(changes)


def _temperature(value: object) -> Callable[[dict[str, Any]], None]:
    return lambda plain: plain["details"].update(calibration={**_CALIBRATED, "temperature": value})


@pytest.mark.parametrize(
    "change",
    [
        *(_task(speakers=wrong) for wrong in (-1, True, None, "AB", {"a": 1}, [["a"]], 1.5)),
        *(_task(labels=wrong) for wrong in ([None, "b"], [{}], "abc", ["\ud800"], [float("nan")], 3)),
        *(_task(sentiments=wrong) for wrong in ([None], "positive", [])),
        *(_temperature(wrong) for wrong in (0, -1, 1e-300, 1e300, 10**400, float("nan"), "1", None)),
        lambda plain: plain.update(text_encoder={"width": 24, "settings": {"limit": 5}}),
        lambda plain: plain.update(heads=["smell"]),
        *((lambda plain, wrong=wrong: plain.update(format=wrong)) for wrong in (0, "1", None, True, 1.5)),
        lambda plain: plain.pop("format"),
    ],
)
def test_what_no_model_is_is_refused_by_the_name_of_the_file(
    change: Callable[[dict[str, Any]], None], tmp_path: Path
) -> None:
    plain = json.loads(WRITTEN.read_text(encoding="utf-8"))
    change(plain)
    path = tmp_path / "exported.json"
    path.write_text(json.dumps(plain), encoding="utf-8")
    with pytest.raises(DataError, match=r"exported\.json: the description of an exported crossspace model is expected"):
        Description.read(path)


def test_it_is_read_as_it_was_written() -> None:
    plain = json.loads(WRITTEN.read_text(encoding="utf-8"))
    assert json.loads(Description.read(WRITTEN).text()) == plain
