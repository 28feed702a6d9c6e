"""Pages made from other files: those outside this folder, and the reference beside the C++."""

from __future__ import annotations

import os
import re
from pathlib import Path

DOCS = Path(__file__).resolve().parent
ROOT = DOCS.parent
MADE = DOCS / "made"
REFERENCE = ROOT / "python" / "rosenblatt" / "reference"

# Files outside this folder, and the page of the site that shows each.
ELSEWHERE = {
    "README.md": "readme",
    "CHANGELOG.md": "changes",
    "CONTRIBUTING.md": "contributing",
    "LICENSE": "licence",
    "bench/README.md": "benchmarks",
}

# The C++ of a file of the reference: the file of the model with the same stem, and these.
KERNELS = {
    "activation": ("kernels/activation.inl",),
    "arithmetic": ("kernels/tile.inl", "kernels/gemm.inl"),
    "backward": ("model/backward.cpp",),
    "dropout": ("kernels/dropout.inl", "model/dropout.cpp"),
    "loss": ("kernels/loss.inl", "model/loss.cpp"),
    "math": ("simd/math.hpp",),
    "rng": ("base/rng.hpp",),
    "theta": ("model/shape.hpp", "model/shape.cpp"),
    "update": ("kernels/update.inl", "model/update.cpp"),
}

LINK = re.compile(r"\]\((?![a-z]+:|#)([^)\s]+)")  # a link to a file


def modules() -> list[Path]:
    """Return the files of the reference, in the order of the alphabet."""
    return sorted(path for path in REFERENCE.glob("*.py") if path.stem != "__init__")


def counterparts(stem: str) -> list[str]:
    """Return the C++ files of a file of the reference, below cpp/."""
    own = KERNELS.get(stem) or tuple(
        f"model/{stem}{ending}"
        for ending in (".hpp", ".cpp")
        if (ROOT / "cpp" / "model" / f"{stem}{ending}").exists()
    )
    return [name for name in own if (ROOT / "cpp" / name).exists()]


def page(module: Path) -> str:
    """Return the page of a file: Python to the left, C++ to the right, each whole."""
    files = counterparts(module.stem)
    lines = [
        "---",
        "hide-toc: true",
        "---",
        f"# {module.stem}",
        "",
        "::::{grid} 1 1 2 2",
        ":class-container: beside",
        "",
        ":::{grid-item}",
        f"**python/rosenblatt/reference/{module.name}**",
        f"```{{literalinclude}} ../../../python/rosenblatt/reference/{module.name}",
        ":language: python",
        "```",
        ":::",
        "",
        ":::{grid-item}",
    ]
    for name in files:
        lines += [
            f"**cpp/{name}**",
            f"```{{literalinclude}} ../../../cpp/{name}",
            ":language: cpp",
            "```",
        ]
    return "\n".join([*lines, ":::", "::::", ""])


def from_elsewhere(file: str) -> str:
    """Return a file outside this folder as a page, its links leading into the site."""
    text = (ROOT / file).read_text(encoding="utf-8")
    if file == "LICENSE":
        return f"# Licence\n\n```text\n{text}```\n"
    home = (ROOT / file).parent
    return LINK.sub(lambda link: f"]({into_the_site(home, link[1])}", text)


def into_the_site(home: Path, target: str) -> str:
    """Return a link of a file in `home` as a page in MADE has it."""
    path, mark, anchor = target.partition("#")
    file = os.path.relpath(home / path, ROOT)
    if file in ELSEWHERE:
        return f"{ELSEWHERE[file]}.md{mark}{anchor}"
    return f"{os.path.relpath(home / path, MADE)}{mark}{anchor}"


def write_pages() -> None:
    """Write all pages, and take away those of files that are no more."""
    wanted = {f"{name}.md": from_elsewhere(file) for file, name in ELSEWHERE.items()}
    wanted |= {f"beside/{module.stem}.md": page(module) for module in modules()}
    for path in MADE.rglob("*.md"):
        if str(path.relative_to(MADE)) not in wanted:
            path.unlink()
    for name, text in wanted.items():
        path = MADE / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
