"""Draw the pictures of plots.md: run its code, and save each picture under the name below it.

python docs/draw_plots.py [FOLDER]
"""

from __future__ import annotations

import os
import re
import sys
import tempfile
from pathlib import Path
from typing import Any

PAGE = Path(__file__).resolve().with_name("plots.md")
BLOCK = re.compile(
    r"^```python\n(.*?)^```$(?:\n\n!\[[^\]]*\]\(([^)]+)\))?", re.DOTALL | re.MULTILINE
)
SIZE = (6.0, 4.0)  # inches
DPI = 90


def draw(folder: Path) -> list[Path]:
    """Run the blocks of the page in order and return the pictures, saved in `folder`."""
    from matplotlib import pyplot

    pyplot.switch_backend("Agg")
    pyplot.rcParams.update({"figure.figsize": SIZE})
    names: dict[str, Any] = {"__name__": "page"}
    saved = []
    for code, picture in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        exec(compile(code, PAGE.name, "exec"), names)
        if picture:
            names["ax"].figure.savefig(folder / picture, dpi=DPI)
            _make_small(folder / picture)
            saved.append(folder / picture)
        pyplot.close("all")
    return saved


def _make_small(picture: Path) -> None:
    """Leave a picture 256 colours: the eye sees no difference, and the file is a third."""
    from PIL import Image

    with Image.open(picture) as image:
        small = image.convert("RGB").quantize(256)
    small.save(picture, optimize=True)


def main() -> None:
    """Draw into the folder named, by default that of the page."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else PAGE.parent).resolve()
    with tempfile.TemporaryDirectory() as elsewhere:  # for what the code of the page saves
        os.chdir(elsewhere)
        for picture in draw(folder):
            print(f"{picture.name}: {picture.stat().st_size / 1000:.0f} kB")
        os.chdir(folder)


if __name__ == "__main__":
    main()
