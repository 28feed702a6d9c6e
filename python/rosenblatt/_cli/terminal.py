"""The terminal: what is printed fits its encoding and width, and cannot steer it."""

import shutil
from collections.abc import Iterable
from typing import Final, TextIO

WIDEST: Final = 100  # columns; longer lines are hard to read, however wide the window is
LONGEST_CELL: Final = 40  # characters of a cell or a name that a message shows

# The typographic characters that this package prints, for a stream that can only take ASCII.
IN_ASCII: Final = str.maketrans(
    {
        "“": '"',
        "”": '"',
        "±": "+-",
        "²": "2",
        "×": "x",
        "·": ".",
        "–": "-",
        "…": "...",
        "→": "->",
        "─": "-",
        "│": "|",
        "┤": "|",
        "└": "+",
        "┬": "+",
        "╭": ".",
        "╮": ".",
        "╯": "'",
        "╰": "'",
    }
)


def printable(text: str) -> str:
    r"""Replace what is not printed by its escape: control characters, line ends, bidi marks.

    >>> printable("red\x1b[31m")
    'red\\x1b[31m'
    """
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def quoted(text: str) -> str:
    """Return a cell or a name as a message shows it: in quotes, printable, not too long."""
    shown = text if len(text) <= LONGEST_CELL else text[: LONGEST_CELL - 1] + "…"
    return f"'{printable(shown)}'"


def listed(texts: Iterable[str], limit: int = 12) -> str:
    """Join names with commas, the first `limit` of them and how many there are in all."""
    every = [quoted(text)[1:-1] for text in texts]
    if len(every) <= limit:
        return ", ".join(every)
    return ", ".join(every[:limit]) + f", … ({len(every)} in all)"


class Screen:
    """A stream to print lines on, one of which may be live: rewritten until the next line is said.

    Parameters
    ----------
    stream
        Where to print, such as ``sys.stdout``; None (a closed stream) swallows everything.
    """

    def __init__(self, stream: TextIO | None) -> None:
        self._stream = stream
        self._live_length = 0
        self.is_terminal = stream is not None and stream.isatty()
        self.width = max(20, min(WIDEST, shutil.get_terminal_size().columns))  # columns

    def say(self, *lines: str) -> None:
        """Print lines, after the live line if there is one."""
        self.end_live_line()
        for line in lines:
            self._write(self._fitting(line) + "\n")
        self.flush()

    def rewrite(self, line: str) -> None:
        """Replace the live line."""
        shown = self._fitting(line)[: self.width - 1]
        self._write("\r" + shown.ljust(self._live_length))
        self._live_length = len(shown)
        self.flush()

    def end_live_line(self) -> None:
        """Leave the live line as it stands and go to the next."""
        if self._live_length:
            self._live_length = 0
            self._write("\n")
            self.flush()

    def flush(self) -> None:
        """Hand everything printed so far to the operating system."""
        if self._stream is not None:
            self._stream.flush()

    def _fitting(self, line: str) -> str:
        """Return the line as this stream's encoding can take it, printable throughout."""
        shown = printable(line)
        encoding = getattr(self._stream, "encoding", None) or "utf-8"
        try:
            shown.encode(encoding)
        except UnicodeEncodeError:
            shown = shown.translate(IN_ASCII)
        return shown.encode(encoding, "backslashreplace").decode(encoding)

    def _write(self, text: str) -> None:
        if self._stream is not None:
            self._stream.write(text)
