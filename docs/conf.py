"""The site: Sphinx and MyST read the pages of this folder, as _toc.yml orders them."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
sys.path.insert(0, str(DOCS))

import pages  # noqa: E402 - a module of this folder

import rosenblatt  # noqa: E402

if TYPE_CHECKING:
    from sphinx.application import Sphinx

project = "rosenblatt"
author = "the authors of rosenblatt"
version = release = rosenblatt.__version__

extensions = [
    "mathml",
    "myst_nb",
    "numpydoc",
    "sphinx.ext.autodoc",
    "sphinx_design",
    "sphinx_external_toc",
]
exclude_patterns = ["requirements.txt"]

myst_enable_extensions = ["amsmath", "colon_fence", "dollarmath"]
myst_heading_anchors = 3
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_execution_show_tb = True

default_role = "code"
autodoc_typehints = "none"  # the docstrings say them, with shapes
autodoc_member_order = "bysource"
numpydoc_show_class_members = False

html_theme = "furo"
html_title = "rosenblatt"
html_math_renderer = "mathml"
html_show_copyright = False
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_copy_source = False


def point_into_the_site(app: Sphinx, name: str, source: list[str]) -> None:
    """Let links to files outside this folder lead to the pages that show them."""
    for file, page in pages.ELSEWHERE.items():
        source[0] = source[0].replace(f"](../{file}", f"](made/{page}.md")


def setup(app: Sphinx) -> None:
    """Write the pages that are made from other files, before Sphinx looks for pages."""
    pages.write_pages()
    app.connect("source-read", point_into_the_site)
