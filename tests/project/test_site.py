"""The site: it builds without a warning, and its reference has every public name."""

from __future__ import annotations

import importlib
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import rosenblatt

ROOT = Path(__file__).resolve().parents[2]
# Public names that are modules, shown as such.
MODULES = {"datasets", "lecture", "playground", "plot", "schedules"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the site from a copy of what it reads, and return the folder of its pages."""
    copy = tmp_path_factory.mktemp("site")
    for name in ("docs", "cpp", "python", "bench"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("*.so", "made"))
    for file in ("README.md", "CHANGELOG.md", "CONTRIBUTING.md", "LICENSE"):
        shutil.copy(ROOT / file, copy)
    command = [sys.executable, "-m", "sphinx", "-q", "-W", "--keep-going", "docs", "html"]
    done = subprocess.run(command, cwd=copy, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr  # with -W a warning is an error
    return copy / "html"


def test_the_reference_has_every_public_name(site: Path) -> None:
    from sphinx.util.inventory import InventoryFile

    with (site / "objects.inv").open("rb") as file:
        inventory = InventoryFile.load(file, "", lambda base, uri: uri)
    known = {name for kind, names in inventory.items() if kind.startswith("py:") for name in names}
    wanted = {
        f"rosenblatt.{name}"
        for name in rosenblatt.__all__
        if name != "__version__" and name not in MODULES
    }
    for package in ("sklearn", "river"):
        names = importlib.import_module(f"rosenblatt.{package}").__all__
        wanted |= {f"rosenblatt.{package}.{name}" for name in names}
    for module in MODULES:
        wanted |= {f"rosenblatt.{module}.{name}" for name in getattr(rosenblatt, module).__all__}
    assert wanted - known == set()


def test_each_file_of_the_reference_has_a_page_with_its_whole_text(site: Path) -> None:
    for module in (ROOT / "python" / "rosenblatt" / "reference").glob("*.py"):
        if module.stem == "__init__":
            continue
        page = (site / "made" / "beside" / f"{module.stem}.html").read_text(encoding="utf-8")
        assert module.name in page
        assert "literalinclude" not in page
        assert module.read_text(encoding="utf-8").count("\n") <= page.count("\n")


def test_the_notebooks_are_the_chapters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT / "docs"))
    import notebooks

    written = {path.name: path.read_text(encoding="utf-8") for path in notebooks.EXAMPLES.glob("*")}
    assert written == {
        f"{chapter.stem}.ipynb": notebooks.notebook(chapter) for chapter in notebooks.chapters()
    }
