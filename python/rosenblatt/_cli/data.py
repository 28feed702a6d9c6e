"""Samples: what `rosenblatt train` learns from and is scored on, out of the digits or a table."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
import numpy.typing as npt

from ..datasets import load_digits
from . import holdout
from .encoding import (
    MOST_CLASSES,
    Categories,
    Column,
    Encoding,
    Labels,
    Matrix,
    Number,
    fit_column,
    fit_number,
)
from .table import DELIMITERS, Floats, Table, TableError, Texts, read_table
from .terminal import listed, quoted

Task = Literal["classification", "regression"]

FEWEST_ROWS: Final = 10  # with fewer, a held-out score says nothing
MOST_INTEGER_CLASSES: Final = 20  # different integers that are taken for classes
ROWS_PER_INTEGER_CLASS: Final = 5  # on average, from which repeated integers look like classes

IMAGE: Final = 8  # pixels on a side of a digit
FULL_INK: Final = 16.0  # the grey level that load_digits gives as 1
SHIFTS: Final = ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0))  # pixels down and to the right


@dataclass(frozen=True)
class Samples:
    """Encoded rows to train on and to score on.

    Attributes
    ----------
    X, Y
        The training rows: inputs (n, n_features); labels or standardised targets (n,).
    X_held_out, Y_held_out
        The held-out rows, likewise.
    encoding
        How the columns became X, and what the outputs mean.
    description
        What was understood, in lines for a person.
    """

    X: Matrix
    Y: Labels | Matrix
    X_held_out: Matrix
    Y_held_out: Labels | Matrix
    encoding: Encoding
    description: tuple[str, ...]


# ---- the bundled digits --------------------------------------------------------------------------


def digit_samples(*, held_out: float, seed: int, dtype: npt.DTypeLike) -> Samples:
    """Return the bundled handwritten digits, each training digit also moved by one pixel.

    The encoding reads columns ``pixel_0`` … ``pixel_63`` of grey levels 0 … 16, line by line, and
    standardises all of them alike, for they measure the same thing.

    Parameters
    ----------
    held_out
        The fraction of the digits to hold out.
    seed
        What the choice of them depends on.
    dtype
        The network's: float32 or float64.
    """
    digits = load_digits()
    out = holdout.draw_held_out(digits.y, held_out, seed)
    grey = digits.X.astype(np.float64) * FULL_INK
    scale = fit_number("", grey[~out].ravel())
    encoding = Encoding(
        tuple(replace(scale, name=f"pixel_{i}") for i in range(grey.shape[1])),
        Categories("digit", tuple(map(str, range(10)))),
    )
    n_training = int((~out).sum())
    return Samples(
        X=((_shifted(grey[~out]) - scale.mean) / scale.std).astype(dtype),
        Y=np.tile(digits.y[~out], len(SHIFTS)),
        X_held_out=((grey[out] - scale.mean) / scale.std).astype(dtype),
        Y_held_out=digits.y[out],
        encoding=encoding,
        description=(
            f"digits: {len(grey):,} handwritten digits of {IMAGE} × {IMAGE} grey levels",
            f"{n_training:,} to learn from, each also moved by a pixel up, down, left and right; "
            f"{int(out.sum()):,} held out",
        ),
    )


def _shifted(images: Floats) -> Floats:
    """Return the images (n, 64) moved by each of `SHIFTS` in turn, paper coming in: (5 n, 64)."""
    framed = np.pad(images.reshape(-1, IMAGE, IMAGE), ((0, 0), (1, 1), (1, 1)))
    moved = [
        framed[:, 1 - down : 1 - down + IMAGE, 1 - right : 1 - right + IMAGE]
        for down, right in SHIFTS
    ]
    return np.concatenate(moved).reshape(-1, IMAGE * IMAGE)


# ---- a person's table ----------------------------------------------------------------------------


def table_samples(
    path: str,
    *,
    target: str | None,
    drop: Sequence[str] = (),
    task: Task | None = None,
    delimiter: str | None = None,
    held_out: float,
    seed: int,
    dtype: npt.DTypeLike,
) -> Samples:
    """Read a CSV file, find out what its columns are, and encode its rows.

    Parameters
    ----------
    path
        The file.
    target
        The column to predict.
    drop
        Columns to leave out.
    task
        Whether the target's values are classes or numbers; None to look at them.
    delimiter
        The character between cells; None to look for it.
    held_out
        The fraction of the rows to hold out, of each class alike.
    seed
        What the choice of them depends on.
    dtype
        The network's: float32 or float64.

    Raises
    ------
    TableError
        The table cannot be read, or not be learned from.
    OSError
        The file cannot be read.
    """
    table = read_table(path, delimiter)
    target = _check_target(table, target)
    features = _features(table, target, drop)
    if table.n_rows < FEWEST_ROWS:
        raise TableError(f"{path}: got {table.n_rows} rows, expected at least {FEWEST_ROWS}")
    values = table.column(target)
    answer: Column
    Y: Labels | Matrix
    if (task or _guess_task(values)) == "classification":
        answer, Y = _classes(table, target, values)
        out = holdout.draw_held_out(Y, held_out, seed)
        if not out.any():
            raise TableError(
                f"{path}: column {quoted(target)}: each class has one row, expected two"
            )
    else:
        numbers = _varied_numbers(table, target)
        out = holdout.draw_held_out(np.zeros(table.n_rows, np.int64), held_out, seed)
        answer = fit_number(target, numbers[~out])
        Y = ((numbers - answer.mean) / answer.std).astype(dtype)
    encoding = Encoding(tuple(fit_column(table, name, ~out) for name in features), answer)
    X = encoding.inputs(table, dtype)
    description = _describe(table, encoding, n_held_out=int(out.sum()))
    return Samples(X[~out], Y[~out], X[out], Y[out], encoding, description)


def _check_target(table: Table, target: str | None) -> str:
    if target is None:
        names = listed(map(quoted, table.columns))
        raise TableError(f"{table.path}: --target has to name the column to predict, of {names}")
    table.require([target])
    return target


def _features(table: Table, target: str, drop: Sequence[str]) -> list[str]:
    """Return the columns to learn from: all but the target and the dropped ones."""
    table.require(drop)
    if target in drop:
        raise TableError(f"{table.path}: --drop leaves out the target {quoted(target)}")
    features = [name for name in table.columns if name != target and name not in drop]
    if not features:
        raise TableError(f"{table.path}: there is no column to learn from beside the target")
    return features


def _guess_task(values: Floats | Texts) -> Task:
    """Take texts for classes, and integers where there are few that are often repeated."""
    if isinstance(values, tuple):
        return "classification"
    distinct = np.unique(values)
    few = len(distinct) <= min(MOST_INTEGER_CLASSES, len(values) / ROWS_PER_INTEGER_CLASS)
    whole = bool((distinct == np.floor(distinct)).all())
    return "classification" if few and whole else "regression"


def _classes(table: Table, target: str, values: Floats | Texts) -> tuple[Categories, Labels]:
    """Return the classes, sorted, and each row's label, shape (n,)."""
    cells: list[Any] = list(values) if isinstance(values, tuple) else values.tolist()
    classes = sorted(set(cells))
    index = {value: label for label, value in enumerate(classes)}
    where = f"{table.path}: column {quoted(target)}"
    if len(classes) < 2:
        raise TableError(
            f"{where}: every row is {quoted(_class_name(classes[0]))}, expected two classes"
        )
    if len(classes) > MOST_CLASSES:
        raise TableError(
            f"{where} has {len(classes):,} different values, "
            f"at most {MOST_CLASSES:,} can be classes"
        )
    names = tuple(map(_class_name, classes))
    return Categories(target, names), np.array([index[cell] for cell in cells], dtype=np.int64)


def _class_name(value: str | float) -> str:
    """Return a class as it is written: a whole number without its point, zero without a sign."""
    return value if isinstance(value, str) else repr(value + 0.0).removesuffix(".0")


def _varied_numbers(table: Table, target: str) -> Floats:
    """Return the numbers to predict, which are not all the same."""
    numbers = table.numbers(target)
    if numbers.min() == numbers.max():
        raise TableError(
            f"{table.path}: column {quoted(target)}: every row is {numbers[0]:g}, "
            "there is nothing to learn"
        )
    return numbers


def _describe(table: Table, encoding: Encoding, n_held_out: int) -> tuple[str, ...]:
    """Return what was understood of a table."""
    target = encoding.target
    delimiter = DELIMITERS.get(table.delimiter, quoted(table.delimiter))
    numbers = [column for column in encoding.columns if isinstance(column, Number)]
    texts = [column for column in encoding.columns if isinstance(column, Categories)]
    lines = [
        f"{table.path}: {table.n_rows:,} rows, {len(table.columns)} columns, delimiter {delimiter}",
        f"{table.n_rows - n_held_out:,} rows to learn from, {n_held_out:,} held out",
    ]
    if numbers:
        lines.append(f"numbers: {listed(column.name for column in numbers)}")
    lines += [f"text: {quoted(column.name)}: {listed(column.values)}" for column in texts]
    task = "classification" if isinstance(target, Categories) else "regression"
    return (*lines, f"target: {quoted(target.name)}, {target.summary} ({task})")
