"""The documents hold: pages' and docstrings' examples run, and links lead somewhere."""

import contextlib
import doctest
import importlib
import io
import pkgutil
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import rosenblatt

ROOT = Path(__file__).resolve().parents[2]
MADE = ROOT / "docs" / "made"  # copies of pages, for the site
PAGES = sorted(
    page
    for page in [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")]
    if MADE not in page.parents
)

FENCE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"^```.*?^```$|`[^`\n]*`|^ {4}[^\n]*", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
A_MACHINES_PATH = re.compile(r"(?<![\w.}])/(?:root|tmp|home|Users|work)/")


def name(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


class Block(NamedTuple):
    """A fenced block of a page."""

    language: str
    text: str
    line: int  # of its first line of text, from 0


def blocks(page: Path) -> list[Block]:
    text = page.read_text(encoding="utf-8")
    return [
        Block(match[1], match[2], text.count("\n", 0, match.start(2)))
        for match in FENCE.finditer(text)
    ]


def run_as_doctest(block: Block, page: Path, names: dict[str, Any]) -> None:
    """Run a block with prompts, and compare what it prints."""
    test = doctest.DocTestParser().get_doctest(
        block.text, names, name(page), name(page), block.line
    )
    test.globs = names  # not a copy: later blocks of the page go on from here
    report = io.StringIO()
    runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS, verbose=False)
    runner.run(test, out=report.write, clear_globs=False)
    assert runner.failures == 0, report.getvalue()


def run_as_program(block: Block, expected: str | None, page: Path, names: dict[str, Any]) -> None:
    """Run a block without prompts, and compare what it prints with the text block after it."""
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile("\n" * block.line + block.text, name(page), "exec"), names)
    if expected is not None:
        assert printed.getvalue() == expected


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_python_examples_run(page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    names: dict[str, Any] = {"__name__": "example"}
    found = blocks(page)
    for i, block in enumerate(found):
        if block.language != "python":
            continue
        if ">>>" in block.text:
            run_as_doctest(block, page, names)
        else:
            after = found[i + 1] if i + 1 < len(found) else None
            expected = after.text if after and after.language == "text" else None
            run_as_program(block, expected, page, names)


MODULES = sorted(
    module.name
    for module in pkgutil.walk_packages(rosenblatt.__path__, "rosenblatt.")
    if not module.name.endswith(".__main__")  # importing it would run the command
)


@pytest.mark.parametrize("module", ["rosenblatt", *MODULES])
def test_docstring_examples_run(
    module: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    result = doctest.testmod(importlib.import_module(module), optionflags=doctest.ELLIPSIS)
    assert result.failed == 0


@pytest.mark.parametrize("page", ["README.md", "docs/user-guide.md"])
def test_there_are_examples(page: str) -> None:
    assert any(block.language == "python" for block in blocks(ROOT / page))


def anchors(page: Path) -> set[str]:
    """The names under which a page's headings can be linked to, as GitHub makes them."""
    headings = HEADING.findall(page.read_text(encoding="utf-8"))
    return {
        re.sub(r"[^\w\- ]", "", heading).strip().lower().replace(" ", "-") for heading in headings
    }


def broken_links(page: Path) -> Iterator[str]:
    for target in LINK.findall(CODE.sub("", page.read_text(encoding="utf-8"))):
        if re.match(r"https?:|mailto:", target):
            continue
        path, _, anchor = target.partition("#")
        linked = (page.parent / path).resolve() if path else page
        if not linked.exists():
            yield f"{name(page)} links to {target}, which is not there"
        elif anchor and anchor not in anchors(linked):
            yield f"{name(page)} links to {target}, but {name(linked)} has no such heading"


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path) -> None:
    assert list(broken_links(page)) == []


# Those of docs/reference are for the site alone: they name what Sphinx puts in.
WRITTEN = [page for page in PAGES if page.parent.name in {"docs", "course"}]


@pytest.mark.parametrize("page", WRITTEN, ids=name)
def test_every_document_is_in_the_index(page: Path) -> None:
    index = ROOT / "docs" / "index.md"
    linked = {
        (index.parent / target).resolve() for target in LINK.findall(index.read_text("utf-8"))
    }
    assert page == index or page in linked, f"docs/index.md does not link to {name(page)}"


@pytest.mark.parametrize("mark", ["install", "test"])
def test_the_readme_has_one_line_to_copy(mark: str) -> None:
    """The two commands that .ci/run reads and executes."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    commands = re.findall(rf"^<!-- ci: {mark} -->\n```sh\n([^\n]+)\n```$", text, re.MULTILINE)
    assert len(commands) == 1


def test_the_changes_name_this_version() -> None:
    changes = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(rosenblatt.__version__)}\b", changes, re.MULTILINE)


def project_files() -> list[Path]:
    """What git tracks, or would track after `git add`."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout")
    command = [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return [path for file in listed.stdout.split("\0") if (path := ROOT / file).is_file()]


def test_no_file_holds_a_path_of_a_machine() -> None:
    found = []
    for path in project_files():
        text = path.read_bytes().decode("utf-8", errors="replace")
        found += [
            f"{name(path)}: {line.strip()}"
            for line in text.splitlines()
            if A_MACHINES_PATH.search(line)
        ]
    assert found == []
