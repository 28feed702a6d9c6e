"""The command line `rosenblatt`: reads the arguments, runs the command, words what went wrong."""

from __future__ import annotations

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, NoReturn

from .._checks.arguments import ACTIVATIONS, NOT_TRAINABLE
from .._checks.shown import LONGEST_MESSAGE, brief, shown
from .._core import version
from .._files.errors import ModelFormatError
from .commands import (
    FOR_DIGITS,
    FOR_TABLES,
    INTERRUPTED,
    CommandError,
    Defaults,
    run_predict,
    run_show,
    run_train,
)
from .table import DELIMITERS, TableError
from .terminal import Screen

if TYPE_CHECKING:
    _Commands = argparse._SubParsersAction["_Parser"]

PLAYGROUND_PORT: Final = 1957  # the year of Rosenblatt's report on the perceptron
MISTAKE: Final = 2  # the exit status where the command line or a file cannot be used
FAILURE: Final = 1  # where the work itself failed: divergence, no memory, a full disk
BROKEN_PIPE: Final = (
    141  # where the reader of the output went away: 128 + SIGPIPE, as shells have it
)

EXAMPLES: Final = """\
examples:
  rosenblatt train digits                        handwritten digits, in a second
  rosenblatt train iris.csv --target species     your own table
  rosenblatt predict iris.safetensors new.csv    predictions for another, as CSV
  rosenblatt show iris.safetensors               what is in a model
  rosenblatt playground                          watch networks learn
"""
TRAIN_EXAMPLES: Final = """\
examples:
  rosenblatt train digits --hidden 128 64 --epochs 20
  rosenblatt train houses.csv --target price --drop id address
  rosenblatt train wine.csv --target quality --task regression --no-save
"""
PREDICT_EXAMPLES: Final = """\
examples:
  rosenblatt predict iris.safetensors new.csv --probabilities
  rosenblatt predict houses.safetensors new.csv --output prices.csv
"""


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line.

    Parameters
    ----------
    argv
        The arguments after the program's name; None for those of the process.

    Returns
    -------
    int
        The exit status: 0, or 1 if the work failed, 2 if it could not be asked for like this, 130
        after Ctrl-C, 141 if the reader of the output went away.
    """
    screen, errors = Screen(sys.stdout), Screen(sys.stderr)
    try:
        try:
            options = _parser().parse_args(argv)
            status: int = options.run(options, screen, errors)
        finally:
            screen.flush()
    except BrokenPipeError:
        _let_go_of_stdout()
        return BROKEN_PIPE
    except KeyboardInterrupt:
        _end_line(screen)
        errors.say("rosenblatt: interrupted")
        return INTERRUPTED
    except Exception as error:
        words = _words(error)
        if words is None:
            raise
        _end_line(screen)
        errors.say(brief(f"rosenblatt: error: {words[1]}", LONGEST_MESSAGE))
        return words[0]
    return status


def _words(error: Exception) -> tuple[int, str] | None:
    """Return the exit status and the words for an error that is not this program's own mistake."""
    match error:
        case CommandError() | TableError() | ModelFormatError():
            return MISTAKE, str(error)
        case FloatingPointError():
            happened = str(error).split(";")[0]
            return FAILURE, f"{happened}: try a smaller --learning-rate; no model was saved"
        case MemoryError():
            return FAILURE, str(error) or "there is not enough memory"
        case OSError(strerror=str(text)):
            about = f"{error.filename}: " if error.filename is not None else "cannot write: "
            is_about_the_path = isinstance(
                error, FileNotFoundError | IsADirectoryError | NotADirectoryError | PermissionError
            )
            return MISTAKE if is_about_the_path else FAILURE, about + text
    return None


def _end_line(screen: Screen) -> None:
    """Leave the live line, if the output can still be written to."""
    try:
        screen.end_live_line()
        screen.flush()
    except OSError:
        _let_go_of_stdout()


def _let_go_of_stdout() -> None:
    """Point standard output at nothing, so that Python does not try again to write what is left."""
    with suppress(OSError, ValueError, AttributeError):
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, sys.stdout.fileno())
        os.close(nothing)


# ---- the arguments -------------------------------------------------------------------------------


class _Parser(argparse.ArgumentParser):
    """A parser whose complaints are one line, raised for `main` to print."""

    def error(self, message: str) -> NoReturn:
        raise CommandError(message)


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(
        prog="rosenblatt",
        description="Train a dense feed-forward network on the processor, and use it.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action="version", version=f"rosenblatt {version()}")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_train(commands)
    _add_predict(commands)
    _add_show(commands)
    _add_playground(commands)
    return parser


def _add_command(
    commands: _Commands, name: str, run: Callable[..., int], text: str, epilog: str = ""
) -> argparse.ArgumentParser:
    parser = commands.add_parser(
        name,
        help=text,
        description=text[0].upper() + text[1:] + ".",
        epilog=epilog,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.set_defaults(run=run)
    return parser


def _add_train(commands: _Commands) -> None:
    parser = _add_command(
        commands, "train", run_train, "train a network on data and save it", TRAIN_EXAMPLES
    )
    parser.add_argument("data", help="a CSV file with a header, or 'digits', which come along")
    _add_table_options(parser)
    _add_network_options(parser)
    _add_training_options(parser)
    group = parser.add_argument_group("output")
    where = group.add_mutually_exclusive_group()
    where.add_argument(
        "--save", metavar="PATH", help="the model file (default: the data's name + .safetensors)"
    )
    where.add_argument("--no-save", action="store_true", help="do not save the model")
    group.add_argument("--quiet", action="store_true", help="print the score and the path only")


def _add_table_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("tables")
    group.add_argument("--target", metavar="COLUMN", help="the column to predict")
    group.add_argument(
        "--drop",
        metavar="COLUMN",
        nargs="+",
        action="extend",
        default=[],
        help="columns to leave out",
    )
    group.add_argument(
        "--task",
        choices=["classification", "regression"],
        help="is the target a class or a number? (default: look at it)",
    )
    _add_delimiter(group)


def _add_network_options(parser: argparse.ArgumentParser) -> None:
    names = [name for name in ACTIVATIONS if name not in NOT_TRAINABLE]
    group = parser.add_argument_group("network")
    group.add_argument(
        "--hidden",
        metavar="UNITS",
        nargs="*",
        type=_positive_integer,
        help=f"units of each hidden layer (default: {_default('hidden')})",
    )
    group.add_argument(
        "--activation",
        metavar="NAME",
        nargs="+",
        choices=names,
        default=["relu"],
        help=f"of the hidden layers, one for all or one for each: {', '.join(names)} "
        "(default: relu)",
    )
    group.add_argument(
        "--dtype", choices=["float32", "float64"], default="float32", help="(default: float32)"
    )


def _add_training_options(parser: argparse.ArgumentParser) -> None:
    group = parser.add_argument_group("training")

    def add(name: str, read: Callable[[str], float], text: str, default: float | None) -> None:
        words = _default(name) if default is None else default
        group.add_argument(
            f"--{name}", metavar="N", type=read, default=default, help=f"{text} (default: {words})"
        )

    add("epochs", _positive_integer, "passes over the training rows", None)
    add("batch-size", _positive_integer, "samples per step", 32)
    add("learning-rate", _positive_real, "epsilon, the length of a step", None)
    add("momentum", _momentum, "from 0 to below 1", 0.9)
    add("held-out", _fraction, "fraction of the rows to score the network on", 0.25)
    add("seed", _seed, "of the split, the weights and the order", 0)
    group.add_argument(
        "--threads", metavar="N", type=_positive_integer, help="(default: all; same result)"
    )


def _add_predict(commands: _Commands) -> None:
    parser = _add_command(
        commands, "predict", run_predict, "apply a model to the rows of a table", PREDICT_EXAMPLES
    )
    parser.add_argument("model", help="a model file that train has saved")
    parser.add_argument("table", help="a CSV file with the model's columns, in any order")
    parser.add_argument("--output", metavar="PATH", help="write the CSV here, not to the screen")
    parser.add_argument(
        "--probabilities", action="store_true", help="a column with the probability of each class"
    )
    _add_delimiter(parser)


def _add_show(commands: _Commands) -> None:
    parser = _add_command(commands, "show", run_show, "describe a model")
    parser.add_argument("model", help="a model file")


def _add_playground(commands: _Commands) -> None:
    def run(options: argparse.Namespace, screen: Screen, errors: Screen) -> int:
        from ..playground.command import run_playground

        return run_playground(options, screen, errors)

    parser = _add_command(
        commands, "playground", run, "watch networks learn, on a local page in the browser"
    )
    parser.add_argument(
        "--port",
        metavar="N",
        type=_port,
        default=PLAYGROUND_PORT,
        help=f"where to listen on this machine; 0: any free port (default: {PLAYGROUND_PORT})",
    )
    parser.add_argument("--no-browser", action="store_true", help="do not open the page")


def _add_delimiter(parser: argparse._ActionsContainer) -> None:
    parser.add_argument(
        "--delimiter",
        metavar="CHARACTER",
        type=_delimiter,
        help=f"{', '.join(DELIMITERS.values())} or a character (default: look for it)",
    )


def _default(name: str) -> str:
    """Say a default that depends on the data."""

    def words(defaults: Defaults) -> str:
        value = getattr(defaults, name.replace("-", "_"))
        return " ".join(map(str, value)) if isinstance(value, tuple) else str(value)

    return f"{words(FOR_DIGITS)} for digits, {words(FOR_TABLES)} for tables"


# ---- the values of options -----------------------------------------------------------------------


def _refuse(text: str, expected: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"got {shown(text)}, expected {expected}")


def _integer(text: str, least: int, bits: int) -> int:
    is_written_so = text.isascii() and text.isdigit() and len(text) <= len(str(2**bits))
    if not is_written_so or not least <= int(text) < 2**bits:
        _refuse(text, f"a whole number from {least} to 2^{bits} - 1")
    return int(text)


def _positive_integer(text: str) -> int:
    return _integer(text, 1, 31)


def _port(text: str) -> int:
    return _integer(text, 0, 16)


def _seed(text: str) -> int:
    return _integer(text, 0, 64)


def _real(text: str, holds: Callable[[float], bool], expected: str) -> float:
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not holds(number):
        _refuse(text, expected)
    return number


def _positive_real(text: str) -> float:
    return _real(text, lambda x: 0 < x < math.inf, "a number above 0")


def _momentum(text: str) -> float:
    return _real(text, lambda x: 0 <= x < 1, "a number from 0 to below 1")


def _fraction(text: str) -> float:
    return _real(text, lambda x: 0 < x < 1, "a number between 0 and 1")


def _delimiter(text: str) -> str:
    for character, name in DELIMITERS.items():
        if text in (name, character):
            return character
    text = "\t" if text == r"\t" else text
    if len(text) != 1 or text.isalnum() or text in " \"'\r\n.+-_" or not text.isprintable():
        _refuse(text, f"{', '.join(DELIMITERS.values())} or one character")
    return text
