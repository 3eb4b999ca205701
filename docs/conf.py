"""Configuration of the documentation: Sphinx, furo and MyST, without anything that is fetched from elsewhere."""

from __future__ import annotations

import os
import sys
from pathlib import Path

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE.parent / "src"), str(_HERE / "_ext")]

from crossspace import __version__  # noqa: E402

project = "crossspace"
author = "crossspace developers"
copyright = author
version = release = __version__

extensions = ["myst_nb", "generated_pages", "drawn_math", "example"]
myst_enable_extensions = ["deflist", "dollarmath", "fieldlist"]
myst_heading_anchors = 3
exclude_patterns = ["_build", "_components", "_example", "_ext", "_templates"]

# Notebooks run when the pages are built, each in a folder of its own, with the commands of this environment.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])
nb_execution_mode = "force"
nb_execution_in_temp = True
nb_execution_raise_on_error = True
nb_execution_timeout = 300
nb_output_stderr = "remove"  # what libraries say of the machine they run on
nb_merge_streams = True  # a cell of commands prints in pieces

html_theme = "furo"
html_title = f"crossspace {__version__}"
html_math_renderer = "drawn"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sphinx = False
pygments_style = "tango"
