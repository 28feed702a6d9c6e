"""Layout of equations between matrices, as text, LaTeX and HTML."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

from numpy.typing import NDArray

from ._symbols import MOST_TERMS
from ._typeset import in_html, latex

Array = NDArray[Any]
Equation: TypeAlias = Sequence[str | Array]  # texts and, between them, (n_rows, n_columns)

MOST_COLUMNS = 6  # of a matrix that shares a line with others


def column(a: Array) -> Array:
    """Return a vector (n,) as a column (n, 1), as in the lecture."""
    return a.reshape(-1, 1)


def cells(matrix: Array, digits: int) -> list[list[str]]:
    """Return the numbers as text, with an ellipsis if there are many."""
    rows, columns = (
        _elide(n, most) for n, most in zip(matrix.shape, (MOST_TERMS, MOST_COLUMNS), strict=True)
    )
    grid = []
    for i in rows:
        if i is None:
            grid.append(["⋮"] * len(columns))
        else:
            grid.append(["…" if j is None else f"{matrix[i, j]:.{digits}g}" for j in columns])
    return grid


def _elide(n: int, most: int) -> list[int | None]:
    """Return the indices to show, with None for omitted ones."""
    return list(range(n)) if n <= most else [*range(most // 2), None, n - 1]


def as_text(equation: Equation, digits: int) -> str:
    """Return the equation as lines of text, with its parts side by side."""
    blocks = [[part] if isinstance(part, str) else _add_brackets(part, digits) for part in equation]
    height = max(len(block) for block in blocks)
    lines = [""] * height
    for block in blocks:
        above = (height - len(block)) // 2
        width = max(len(line) for line in block)
        full = [""] * above + block + [""] * (height - above - len(block))
        lines = [f"{line}{part:<{width}} " for line, part in zip(lines, full, strict=True)]
    return "\n".join(line.rstrip() for line in lines)


def _add_brackets(matrix: Array, digits: int) -> list[str]:
    grid = cells(matrix, digits)
    widths = [max(len(cell) for cell in in_column) for in_column in zip(*grid, strict=True)]
    rows = [
        "  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True))
        for row in grid
    ]
    if len(rows) == 1:
        return [f"[{rows[0]}]"]
    left = ["⎡", *"⎢" * (len(rows) - 2), "⎣"]
    right = ["⎤", *"⎥" * (len(rows) - 2), "⎦"]
    return [f"{a}{row}{b}" for a, row, b in zip(left, rows, right, strict=True)]


def as_latex(equation: Equation, digits: int) -> str:
    """Return the equation as LaTeX, without dollars."""
    return " ".join(
        latex(part) if isinstance(part, str) else _pmatrix(part, digits) for part in equation
    )


def _pmatrix(matrix: Array, digits: int) -> str:
    dots = {"⋮": r"\vdots", "…": r"\dots"}
    rows = [
        " & ".join(dots.get(cell) or latex(cell) for cell in row) for row in cells(matrix, digits)
    ]
    return "\\begin{pmatrix} " + " \\\\ ".join(rows) + " \\end{pmatrix}"


def as_html(equation: Equation, digits: int) -> str:
    """Return the equation as an HTML element."""
    parts = [
        f"<span>{in_html(part)}</span>" if isinstance(part, str) else _matrix_table(part, digits)
        for part in equation
    ]
    return f'<div class="equation">{"".join(parts)}</div>'


def _matrix_table(matrix: Array, digits: int) -> str:
    rows = "".join(
        "<tr>" + "".join(f'<td class="n">{in_html(cell)}</td>' for cell in row) + "</tr>"
        for row in cells(matrix, digits)
    )
    return f'<table class="matrix">{rows}</table>'
