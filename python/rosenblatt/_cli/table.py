"""Tables: a CSV file becomes columns of numbers or of texts; a complaint names line and column."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from .._files.atomic import naming
from .terminal import listed, quoted

if TYPE_CHECKING:
    from _csv import Reader

Floats = npt.NDArray[np.float64]
Texts = tuple[str, ...]

DELIMITERS: Final = {",": "comma", ";": "semicolon", "\t": "tab"}  # those that are looked for
MISSING: Final = frozenset({"", "?", "na", "n/a", "#n/a", "nan", "null", "none"})
MISSING_TEXT: Final = "is a missing cell: fill it in or leave out its row"
LARGEST: Final = 1e300  # leaves room in float64 for the sum of 10**8 such numbers

NUMBER: Final = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?", re.ASCII | re.IGNORECASE)
INFINITY: Final = re.compile(r"[+-]?inf(inity)?", re.IGNORECASE)
COMMA_NUMBER: Final = re.compile(r"[+-]?\d+(,\d+)+(\.\d+)?", re.ASCII)


class TableError(ValueError):
    """A table cannot be read or used as it is; the message says where and why, in one line."""


@dataclass(frozen=True)
class Table:
    """A CSV file's cells, stripped of surrounding spaces, by column.

    Attributes
    ----------
    path
        Where the table came from.
    delimiter
        The character between two cells.
    columns
        The cells of each column by its name, in the file's order, each of n_rows.
    lines
        The line, from 1, on which each row begins, of n_rows.
    """

    path: str
    delimiter: str
    columns: Mapping[str, Texts]
    lines: Sequence[int]

    @property
    def n_rows(self) -> int:
        """The number of rows below the header."""
        return len(self.lines)

    def require(self, names: Sequence[str]) -> None:
        """Check that the table has columns of these names.

        Raises
        ------
        TableError
            Some are not there; the message lists those that are.
        """
        missing = [name for name in names if name not in self.columns]
        if missing:
            hint = "; is its first line a header?" if any(map(_is_number, self.columns)) else ""
            raise TableError(
                f"{self.path}: there is no column {listed(map(quoted, missing), 5)}, "
                f"only {listed(map(quoted, self.columns))}{hint}"
            )

    def column(self, name: str) -> Floats | Texts:
        """Return a column's numbers, or its cells where none of them is a number.

        Raises
        ------
        TableError
            A cell is missing or infinite, or the column mixes numbers with text.
        """
        cells = self.columns[name]
        numbers = _all_numbers(cells)
        if numbers is not None:
            return numbers
        distinct = dict.fromkeys(cells)
        if any(map(is_missing, distinct)):
            raise self.cell_error(name, is_missing, MISSING_TEXT)
        n_numbers = sum(map(_is_number, cells))
        if n_numbers == 0:
            self._refuse_commas(name, distinct)
            return cells
        if n_numbers == len(cells):
            raise self.cell_error(name, _is_too_large, f"is beyond ±{LARGEST:g}")
        return self._refuse_mixture(name, n_numbers)

    def numbers(self, name: str) -> Floats:
        """Return the numbers of a column that has to have them.

        Raises
        ------
        TableError
            A cell is not a finite number.
        """
        values = self.column(name)
        if isinstance(values, np.ndarray):
            return values
        raise self.cell_error(name, lambda cell: True, "is text, expected a number")

    def place(self, row: int, name: str | None = None) -> str:
        """Return where a row (from 0) stands, as a message begins: ``t.csv: line 3 (row 2)``."""
        where = f"{self.path}: line {self.lines[row]} (row {row + 1})"
        return where if name is None else f"{where}, column {quoted(name)}"

    def cell_error(self, name: str, is_wrong: Callable[[str], bool], text: str) -> TableError:
        """Return the complaint about the first wrong cell of a column, and count the others."""
        wrong = [row for row, cell in enumerate(self.columns[name]) if is_wrong(cell)]
        others = f" ({len(wrong):,} such cells in this column)" if len(wrong) > 1 else ""
        cell = self.columns[name][wrong[0]]
        return TableError(f"{self.place(wrong[0], name)}: {quoted(cell)} {text}{others}")

    def _refuse_commas(self, name: str, distinct: Mapping[str, None]) -> None:
        """Refuse a column of numbers written as 1,5 or 1,000: as texts they would teach nothing."""
        if all(map(COMMA_NUMBER.fullmatch, distinct)):
            raise self.cell_error(name, lambda cell: True, "has a comma: write numbers as 1000.5")

    def _refuse_mixture(self, name: str, n_numbers: int) -> Floats:
        """Complain about the first cell of the kind that fewer cells of the column have."""
        n_texts = len(self.columns[name]) - n_numbers
        if n_texts > n_numbers:
            raise self.cell_error(name, _is_number, "is a number among texts")
        first = next(cell for cell in self.columns[name] if not _is_number(cell))
        if INFINITY.fullmatch(first):
            text = "is infinite, expected a finite number"
        elif COMMA_NUMBER.fullmatch(first):
            text = "is not a number: write it with a decimal point, as 1000.5"
        else:
            text = "is text among numbers"
        raise self.cell_error(name, lambda cell: not _is_number(cell), text)


def is_missing(cell: str) -> bool:
    """Tell whether a cell stands for a value that is not there."""
    return cell.lower() in MISSING


def _is_number(cell: str) -> bool:
    return NUMBER.fullmatch(cell) is not None


def _is_too_large(cell: str) -> bool:
    return abs(float(cell)) > LARGEST


def _all_numbers(cells: Texts) -> Floats | None:
    """Return the cells as numbers, None unless every one is finite and written in the usual way.

    Python's float also takes 1_000, digits of other scripts, inf and nan; `NUMBER` does not.
    """
    try:
        numbers = np.array(list(map(float, cells)))
    except ValueError:
        return None
    written = "".join(cells)
    usual = written.isascii() and "_" not in written
    return numbers if usual and bool((np.abs(numbers) <= LARGEST).all()) else None


def read_table(path: str, delimiter: str | None = None) -> Table:
    """Read a CSV file with a header: UTF-8, quotes as RFC 4180 has them, any line ends.

    Parameters
    ----------
    path
        The file.
    delimiter
        The character between cells; None to take the one of `DELIMITERS` that makes the most cells
        of the header.

    Raises
    ------
    TableError
        The file is not such a table.
    OSError
        The file cannot be read.
    """
    with naming(path):
        data = Path(path).read_bytes()
    text = _decode(path, data)
    if not text.strip():
        raise TableError(f"{path}: the file is empty, expected a header and rows")
    delimiter = delimiter or _find_delimiter(text)
    records = _records(path, text, delimiter)
    _, header = next(records)
    _check_header(path, header)
    lines, rows = _rows(path, len(header), records)
    columns = zip(*rows, strict=True)
    return Table(
        path=path,
        delimiter=delimiter,
        columns={
            name: tuple(map(str.strip, cells)) for name, cells in zip(header, columns, strict=True)
        },
        lines=lines,
    )


def _decode(path: str, data: bytes) -> str:
    """Return the file's text, without a byte order mark."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise TableError(f"{path}: the file is in UTF-16, expected UTF-8: save it as “CSV UTF-8”")
    if b"\0" in data:
        raise TableError(f"{path}: this is not a text file, expected CSV in UTF-8")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise TableError(
            f"{path}: line {line} is not UTF-8 (byte 0x{data[error.start]:02x}): "
            "save the table as “CSV UTF-8”"
        ) from None


def _find_delimiter(text: str) -> str:
    """Return the delimiter that makes the most cells of the first record."""

    def n_cells(delimiter: str) -> int:
        try:
            return len(next(_reader(text, delimiter), []))
        except csv.Error:
            return 0

    return max(DELIMITERS, key=n_cells)


def _reader(text: str, delimiter: str) -> Reader:
    return csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, skipinitialspace=True, strict=True
    )


def _records(path: str, text: str, delimiter: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of every record and the line, from 1, on which it begins."""
    reader = _reader(text.rstrip("\r\n"), delimiter)
    while True:
        line = reader.line_num + 1
        try:
            record = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            raise TableError(f"{path}: line {line} is not valid CSV: {error}") from None
        if not record:
            raise TableError(f"{path}: line {line} is blank")
        yield line, record


def _check_header(path: str, header: list[str]) -> None:
    """Strip the names of the header, and refuse what cannot be one."""
    header[:] = map(str.strip, header)
    if all(map(_is_number, header)):
        raise TableError(
            f"{path}: the first line holds only numbers ({listed(header, 5)}), "
            "expected a header that names the columns"
        )
    for number, name in enumerate(header, start=1):
        if not name:
            raise TableError(f"{path}: column {number} has no name in the header")
        if name in header[: number - 1]:
            first = header.index(name) + 1
            raise TableError(f"{path}: columns {first} and {number} are both named {quoted(name)}")


def _rows(
    path: str, n_columns: int, records: Iterator[tuple[int, list[str]]]
) -> tuple[list[int], list[list[str]]]:
    """Return the lines and the cells of all rows, each with a cell for every column."""
    lines: list[int] = []
    rows: list[list[str]] = []
    for line, record in records:
        if len(record) != n_columns:
            raise TableError(
                f"{path}: line {line} (row {len(rows) + 1}): got {len(record)} cells, "
                f"expected {n_columns}, as in the header"
            )
        lines.append(line)
        rows.append(record)
    if not rows:
        raise TableError(f"{path}: there are no rows below the header")
    return lines, rows
