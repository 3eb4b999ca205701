"""Analyze the example conversation and photograph its timeline, light and dark, for wide and narrow screens.

Run from the folder of the project: ``python docs/_example/take_pictures.py``. It needs playwright and a Chromium, whose
place the first argument names where it is not playwright's own, and Pillow, which matplotlib brings.
"""

from __future__ import annotations

import io
import sys
import tempfile
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from crossspace.cli.main import main

HERE = Path(__file__).parent
STATIC = HERE.parent / "_static"
SIZES = {"wide": 860, "narrow": 400}
COLOURS = 128


def take(browser: str | None) -> None:
    """Write ``kitchen.json`` and four pictures."""
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        page = Path(folder) / "kitchen.html"
        outs = ("--out", str(page), "--out", str(HERE / "kitchen.json"))
        assert main(["analyze", str(HERE / "kitchen.vtt"), *outs]) == 0
        chromium = driver.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        for name, width in SIZES.items():
            for scheme in ("light", "dark"):
                view = chromium.new_page(
                    viewport={"width": width, "height": 900}, color_scheme=scheme, device_scale_factor=2
                )
                view.goto(page.as_uri())
                picture = Image.open(io.BytesIO(view.get_by_role("region", name="Timeline", exact=True).screenshot()))
                # Few colours, each as it is drawn: a third of the size.
                few = picture.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE)
                few.save(STATIC / f"timeline-{name}-{scheme}.png", optimize=True)
                view.close()
        chromium.close()


if __name__ == "__main__":
    take(next(iter(sys.argv[1:]), None))
