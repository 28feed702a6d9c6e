"""The encoding of a table: how named columns become inputs of a network, and its outputs an answer.

It is fitted once, on the rows that train the network, and travels with the model as strict JSON.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from .._files.errors import DamagedFileError
from .._files.safetensors import parse_json
from .table import MISSING_TEXT, Floats, Table, TableError, is_missing
from .terminal import listed, quoted

FORMAT: Final = 1  # the version of the JSON form
MOST_CATEGORIES: Final = 100  # of a column; a column with more is a name or a number in disguise
MOST_CLASSES: Final = 1000  # of a target

Matrix = npt.NDArray[np.floating[Any]]
Labels = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Number:
    """A column of numbers, standardised: (x - mean) / std.

    Attributes
    ----------
    name
        The column's name.
    mean, std
        Of the rows that trained the network, in the column's own unit; std is above 0.
    """

    name: str
    mean: float
    std: float

    @property
    def width(self) -> int:
        """The inputs or outputs it takes up."""
        return 1

    @property
    def summary(self) -> str:
        """What a person wants to know of it."""
        return f"a number of mean {self.mean:.6g}, standard deviation {self.std:.6g}"

    def inputs(self, table: Table) -> Matrix:
        """Return the table's column as inputs, shape (n, 1)."""
        with np.errstate(over="ignore"):
            return ((table.numbers(self.name) - self.mean) / self.std)[:, np.newaxis]


@dataclass(frozen=True)
class Categories:
    """A column of texts: one input or output for each of its categories.

    Attributes
    ----------
    name
        The column's name.
    values
        Its categories, or a target's classes, each once.
    """

    name: str
    values: tuple[str, ...]

    @property
    def width(self) -> int:
        """The inputs or outputs it takes up."""
        return len(self.values)

    @property
    def summary(self) -> str:
        """What a person wants to know of it."""
        return f"one of {len(self.values)} texts: {listed(self.values)}"

    def inputs(self, table: Table) -> Matrix:
        """Return the column as inputs, 1 for the row's category and 0 else, shape (n, width)."""
        return np.eye(self.width)[self.labels(table)]

    def labels(self, table: Table) -> Labels:
        """Return the index of each row's category, shape (n,)."""
        index = {value: label for label, value in enumerate(self.values)}
        try:
            return np.array([index[cell] for cell in table.columns[self.name]], dtype=np.int64)
        except KeyError:
            raise table.cell_error(self.name, *self._complaint(table)) from None

    def _complaint(self, table: Table) -> tuple[Callable[[str], bool], str]:
        """Return which cells are wrong, and what the first of them is."""
        unknown = {cell for cell in table.columns[self.name] if cell not in self.values}
        missing = {cell for cell in unknown if is_missing(cell)}
        if missing:
            return missing.__contains__, MISSING_TEXT
        return unknown.__contains__, f"is unknown, expected one of: {listed(self.values)}"


Column = Number | Categories


@dataclass(frozen=True)
class Encoding:
    """The columns that a network reads, in the order of its inputs, and what it predicts."""

    columns: tuple[Column, ...]
    target: Column

    @property
    def n_features(self) -> int:
        """The number of inputs."""
        return sum(column.width for column in self.columns)

    def inputs(self, table: Table, dtype: npt.DTypeLike) -> Matrix:
        """Return the rows of a table as a network's input X.

        Parameters
        ----------
        table
            It has the columns by name, in any order and among others.
        dtype
            The network's: float32 or float64.

        Returns
        -------
        ndarray
            X, shape (n, n_features), finite.

        Raises
        ------
        TableError
            A column is not there, a cell is missing, of the wrong kind, unknown or far too large.
        """
        table.require([column.name for column in self.columns])
        X: Matrix = np.empty((table.n_rows, self.n_features), dtype)
        largest = np.finfo(X.dtype).max
        start = 0
        for column in self.columns:
            inputs = column.inputs(table)
            too_large = np.abs(inputs).max(axis=1) > largest
            if too_large.any():
                row = int(too_large.argmax())
                raise TableError(
                    f"{table.place(row, column.name)}: {quoted(table.columns[column.name][row])} "
                    f"is too far from the rows that the model was trained on for {X.dtype}"
                )
            X[:, start : start + column.width] = inputs
            start += column.width
        return X


# ---- fitting -------------------------------------------------------------------------------------


def fit_number(name: str, values: Floats) -> Number:
    """Return the standardisation of a column's values (n,); a constant one is only shifted."""
    mean = float(values.mean())
    deviations = values - mean
    largest = float(np.abs(deviations).max())
    if values.min() == values.max() or largest == 0:
        return Number(name, float(values[0]), 1.0)
    # Scaled by the largest deviation, no square overflows or vanishes.
    std = largest * math.sqrt(float(np.square(deviations / largest).mean()))
    return Number(name, mean, std if std > 0 else 1.0)


def fit_column(table: Table, name: str, training: npt.NDArray[np.bool_]) -> Column:
    """Return the encoding of a column to learn from.

    Parameters
    ----------
    table
        The whole table; categories are those of all its rows.
    name
        The column.
    training
        Which rows train the network, shape (n,); numbers are standardised by them.

    Raises
    ------
    TableError
        A cell cannot be used, or there are more than `MOST_CATEGORIES` categories.
    """
    values = table.column(name)
    if isinstance(values, np.ndarray):
        return fit_number(name, values[training])
    categories = sorted(set(values))
    if len(categories) > MOST_CATEGORIES:
        raise TableError(
            f"{table.path}: column {quoted(name)} has {len(categories):,} different texts, at most "
            f"{MOST_CATEGORIES} can be learned from: leave it out with --drop {quoted(name)}"
        )
    return Categories(name, tuple(categories))


# ---- the JSON form -------------------------------------------------------------------------------


def to_json(encoding: Encoding) -> str:
    """Return the encoding as the JSON text that `from_json` reads."""
    form = {
        "format": FORMAT,
        "columns": [_column_form(column) for column in encoding.columns],
        "target": _column_form(encoding.target),
    }
    return json.dumps(form, ensure_ascii=False, allow_nan=False, separators=(",", ":"))


def _column_form(column: Column) -> dict[str, object]:
    if isinstance(column, Number):
        return {"kind": "number", "name": column.name, "mean": column.mean, "std": column.std}
    return {"kind": "categories", "name": column.name, "values": column.values}


def from_json(text: str, layers: Sequence[int], output: str) -> Encoding:
    """Read an encoding, distrusting every part of it.

    Parameters
    ----------
    text
        The JSON text.
    layers
        The units of each layer of the network that it belongs to, input first.
    output
        The name of that network's output activation.

    Raises
    ------
    DamagedFileError
        The text is not exactly such a form, or does not fit the network.
    """
    form = parse_json("table", text, real=float)
    _check_keys("the table", form, {"format", "columns", "target"})
    if type(form["format"]) is not int or form["format"] != FORMAT:
        raise DamagedFileError(f"table: got format {_shown(form['format'])}, expected {FORMAT}")
    if not isinstance(form["columns"], list) or not form["columns"]:
        raise DamagedFileError("table: columns: expected a list of at least one")
    columns = tuple(_read_column(f"column {i}", c) for i, c in enumerate(form["columns"], start=1))
    encoding = Encoding(columns, _read_column("target", form["target"], MOST_CLASSES))
    names = [column.name for column in (*columns, encoding.target)]
    if len(set(names)) < len(names):
        raise DamagedFileError("table: two columns have the same name")
    _check_fit(encoding, layers, output)
    return encoding


def _check_fit(encoding: Encoding, layers: Sequence[int], output: str) -> None:
    """Check that the encoding makes the inputs that the network takes and reads its outputs."""
    widths = (encoding.n_features, encoding.target.width)
    if widths != (layers[0], layers[-1]):
        raise DamagedFileError(
            f"table: got {widths[0]} inputs and {widths[1]} outputs, "
            f"expected the network's {layers[0]} and {layers[-1]}"
        )
    expected = "identity" if isinstance(encoding.target, Number) else "softmax"
    if output != expected:
        raise DamagedFileError(f"table: got the output activation {output}, expected {expected}")


def _read_column(place: str, form: object, most: int = MOST_CATEGORIES) -> Column:
    kind = form.get("kind") if isinstance(form, dict) else None
    if kind == "number":
        keys = _check_keys(place, form, {"kind", "name", "mean", "std"})
        number = Number(
            _name(place, keys["name"]), *(_real(place, keys[k]) for k in ("mean", "std"))
        )
        if number.std <= 0:
            raise DamagedFileError(f"table: {place}: got std {number.std}, expected above 0")
        return number
    if kind == "categories":
        keys = _check_keys(place, form, {"kind", "name", "values"})
        return Categories(_name(place, keys["name"]), _categories(place, keys["values"], most))
    raise DamagedFileError(f"table: {place}: expected an object of kind 'number' or 'categories'")


def _categories(place: str, values: object, most: int) -> tuple[str, ...]:
    if not isinstance(values, list) or not 1 <= len(values) <= most:
        raise DamagedFileError(f"table: {place}: values: expected a list of 1 to {most} texts")
    names = tuple(_name(place, value) for value in values)
    if len(set(names)) < len(names):
        raise DamagedFileError(f"table: {place}: a category is there twice")
    return names


def _name(place: str, value: object) -> str:
    """Check a name or category: a text that a stripped cell of a UTF-8 file can be."""
    if not isinstance(value, str) or not value or value != value.strip() or "\0" in value:
        raise DamagedFileError(f"table: {place}: got {_shown(value)}, expected a name")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise DamagedFileError(f"table: {place}: got half a surrogate pair in a name") from None
    return value


def _real(place: str, value: object) -> float:
    if type(value) is not float and type(value) is not int:
        raise DamagedFileError(f"table: {place}: got {_shown(value)}, expected a number")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise DamagedFileError(f"table: {place}: got a number that is not finite")
    return number


def _check_keys(place: str, form: object, expected: set[str]) -> dict[str, Any]:
    if not isinstance(form, dict) or form.keys() != expected:
        raise DamagedFileError(
            f"table: {place}: expected an object with {', '.join(sorted(expected))}"
        )
    return form


def _shown(value: object) -> str:
    return quoted(str(value)) if isinstance(value, str | int | float) else type(value).__name__
