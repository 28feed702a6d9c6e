"""The course as Jupyter notebooks: ``python docs/notebooks.py`` writes them into examples/."""

from __future__ import annotations

import os
from pathlib import Path

import jupytext
import nbformat
from pages import LINK

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
COURSE, EXAMPLES = DOCS / "course", ROOT / "examples"


def chapters() -> list[Path]:
    """Return the chapters of the course."""
    return sorted(COURSE.glob("*.md"))


def notebook(chapter: Path) -> str:
    """Return a chapter as a notebook's text, without outputs, its links as examples/ has them."""
    cells = jupytext.read(chapter, fmt="md:myst")
    for number, cell in enumerate(cells.cells):
        cell.id = f"{chapter.stem}-{number}"
        if cell.cell_type == "markdown":
            cell.source = LINK.sub(lambda link: f"]({seen_from_examples(link[1])}", cell.source)
    cells.metadata = {"kernelspec": {**cells.metadata["kernelspec"], "language": "python"}}
    text: str = nbformat.writes(cells, version=nbformat.NO_CONVERT)
    return text + "\n"


def seen_from_examples(target: str) -> str:
    """Return a link of a chapter as a notebook has it; chapters become notebooks."""
    path = (COURSE / target).resolve()
    if path.parent == COURSE:
        return path.with_suffix(".ipynb").name
    return os.path.relpath(path, EXAMPLES)


def main() -> None:
    """Write all notebooks."""
    EXAMPLES.mkdir(exist_ok=True)
    for chapter in chapters():
        (EXAMPLES / f"{chapter.stem}.ipynb").write_text(notebook(chapter), encoding="utf-8")


if __name__ == "__main__":
    main()
