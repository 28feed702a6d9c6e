"""Arguments that are numbers or names: what each may be, checked and said in one way."""

from __future__ import annotations

import errno
import itertools
import math
import operator
import os
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from .. import _core
from .shown import shown

ACTIVATIONS = tuple(_core.activations())
NOT_TRAINABLE = ("step",)  # activations whose derivative is 0: no error comes back through them
LOSSES = tuple(_core.losses())
NORMS = ("batch", "layer")
LONGEST_PATH = 4096  # bytes: what Linux allows; an OSError shows the whole of its path


def integer(name: str, value: object, *, least: int, most: int | None = None) -> int:
    """Return `value` as an int in least … most; a bool or a float is not an integer.

    Raises
    ------
    TypeError
        `value` is not an integer.
    ValueError
        `value` is out of range.
    """
    expected = f"an integer of at least {least}" if most is None else f"an integer {least} … {most}"
    if isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: got {shown(value)}, expected {expected}")
    try:
        number = operator.index(value)  # type: ignore[arg-type]
    except TypeError:
        raise TypeError(f"{name}: got {shown(value)}, expected {expected}") from None
    if number < least or (most is not None and number > most):
        raise ValueError(f"{name}: got {shown(number)}, expected {expected}")
    return number


def real(name: str, value: object, expected: str) -> float:
    """Return `value` as a float; `expected` says in words what the caller will check further.

    Raises
    ------
    TypeError
        `value` is not a real number.
    ValueError
        `value` is NaN or infinite.
    """
    if isinstance(value, bool | np.bool_) or not isinstance(
        value, int | float | np.integer | np.floating
    ):
        raise TypeError(f"{name}: got {shown(value)}, expected {expected}")
    try:
        number = float(value)
    except OverflowError:
        number = math.inf
    if not math.isfinite(number):
        raise ValueError(f"{name}: got {shown(value)}, expected {expected}")
    return number


def _real_that(holds: Callable[[float], bool], name: str, value: object, expected: str) -> float:
    """Return `value` as a float for which `holds` is true; `expected` says so in words."""
    number = real(name, value, expected)
    if not holds(number):
        raise ValueError(f"{name}: got {number}, expected {expected}")
    return number


def positive(name: str, value: object) -> float:
    """Return `value` as a float above 0.

    Raises
    ------
    TypeError, ValueError
        `value` is no finite number above 0.
    """
    return _real_that(lambda x: x > 0, name, value, "a finite number above 0")


def not_negative(name: str, value: object) -> float:
    """Return `value` as a float of at least 0.

    Raises
    ------
    TypeError, ValueError
        `value` is no finite number of at least 0.
    """
    return _real_that(lambda x: x >= 0, name, value, "a finite number of at least 0")


def below_one(name: str, value: object) -> float:
    """Return `value` as a float from 0 to below 1.

    Raises
    ------
    TypeError, ValueError
        `value` is no such number.
    """
    return _real_that(lambda x: 0 <= x < 1, name, value, "a number from 0 to below 1")


def between_0_and_1(name: str, value: object) -> float:
    """Return `value` as a float above 0 and below 1.

    Raises
    ------
    TypeError, ValueError
        `value` is no such number.
    """
    return _real_that(lambda x: 0 < x < 1, name, value, "a number between 0 and 1")


def flag(name: str, value: object) -> bool:
    """Return `value` as a bool.

    Raises
    ------
    TypeError
        `value` is anything but True or False.
    """
    if not isinstance(value, bool | np.bool_):
        raise TypeError(f"{name}: got {shown(value)}, expected True or False")
    return bool(value)


def choice(name: str, value: object, choices: Sequence[str]) -> str:
    """Return `value`, one of `choices`.

    Raises
    ------
    TypeError
        `value` is not a string.
    ValueError
        `value` is a string that is not there.
    """
    if isinstance(value, str) and value in choices:
        return str(value)
    known = ", ".join(map(repr, choices))
    error = ValueError if isinstance(value, str) else TypeError
    raise error(f"{name}: got {shown(value)}, expected one of {known}")


def layer_sizes(name: str, value: object) -> tuple[int, ...]:
    """Return the sizes of the layers, input first: at least two positive integers.

    Raises
    ------
    TypeError, ValueError
        `value` is no sequence of them.
    """
    expected = "a sequence of sizes [n_features, …, n_outputs], at least two"
    if isinstance(value, str | bytes) or not isinstance(value, Sequence | np.ndarray):
        raise TypeError(f"{name}: got {shown(value)}, expected {expected}")
    if len(value) < 2:
        raise ValueError(f"{name}: got {shown(list(value))}, expected {expected}")
    return tuple(integer(f"{name}[{i}]", size, least=1, most=2**62) for i, size in enumerate(value))


def norms(value: Any, n_hidden: int) -> tuple[Any, ...]:
    """Return the norm of every hidden layer or None, from one for all or one for each.

    Raises
    ------
    TypeError, ValueError
        A name is unknown, or their number is not that of the hidden layers.
    """
    if value is None:
        return (None,) * n_hidden
    if isinstance(value, str):
        one = choice("norm", value, NORMS)
        if n_hidden == 0:
            raise ValueError(f"norm: got {one!r} without hidden layers, expected None")
        return (one,) * n_hidden
    if not isinstance(value, Sequence) or isinstance(value, bytes):
        raise TypeError(
            f"norm: got {shown(value)}, expected a name, None, or one for each hidden layer"
        )
    if len(value) != n_hidden:
        raise ValueError(f"norm: got {len(value)}, expected {n_hidden}: one for each hidden layer")
    return tuple(
        None if each is None else choice(f"norm[{i}]", each, NORMS) for i, each in enumerate(value)
    )


def skips(value: object, sizes: tuple[int, ...]) -> tuple[bool, ...]:
    """Return whether every hidden layer skips; True is for all that can.

    Raises
    ------
    TypeError, ValueError
        Something is no bool, their number is not that of the hidden layers, or one cannot: it has
        not as many units as go in.
    """
    pairs = list(itertools.pairwise(sizes[:-1]))
    if isinstance(value, Sequence | np.ndarray) and not isinstance(value, str | bytes):
        if len(value) != len(pairs):
            raise ValueError(
                f"skip: got {len(value)}, expected {len(pairs)}: one for each hidden layer"
            )
        found = tuple(flag(f"skip[{i}]", each) for i, each in enumerate(value))
        for i, (n_in, n_out) in enumerate(pairs):
            if found[i] and n_in != n_out:
                raise ValueError(
                    f"skip[{i}]: got True for a layer of {n_out} units into which {n_in} go,"
                    " expected as many"
                )
        return found
    every = flag("skip", value)
    if every and not any(n_in == n_out for n_in, n_out in pairs):
        raise ValueError(
            f"skip: got True with the layers {shown(list(sizes))}, expected a hidden layer with as"
            " many units as go in"
        )
    return tuple(every and n_in == n_out for n_in, n_out in pairs)


def dropout_rates(dropout: object, input_dropout: object, n_hidden: int) -> list[float]:
    """Return how much to drop of what goes into each weight layer; nothing at all is no list.

    Raises
    ------
    TypeError, ValueError
        Something is no number from 0 to below 1, or their number is not that of the hidden layers.
    """
    rates = [_rate("input_dropout", input_dropout)]
    if isinstance(dropout, Sequence | np.ndarray) and not isinstance(dropout, str | bytes):
        if len(dropout) != n_hidden:
            raise ValueError(
                f"dropout: got {len(dropout)} numbers, expected {n_hidden}: one per hidden layer"
            )
        rates += [_rate(f"dropout[{i}]", each) for i, each in enumerate(dropout)]
    else:
        rate = _rate("dropout", dropout)
        if rate > 0 and n_hidden == 0:
            raise ValueError(
                f"dropout: got {rate} without hidden layers, expected 0; there is input_dropout"
            )
        rates += [rate] * n_hidden
    return rates if any(rates) else []


def _rate(name: str, value: object) -> float:
    expected = "a number from 0 to below 1"
    rate = real(name, value, expected)
    if not 0 <= rate <= 1 - 2.0**-24:
        raise ValueError(f"{name}: got {rate}, expected {expected}")
    return rate


def deviation(name: str, value: object, dtype: np.dtype[Any]) -> float:
    """Return a standard deviation that `dtype` can hold, 0 for none.

    Raises
    ------
    TypeError, ValueError
        `value` is no finite number of at least 0, or too large or too small for `dtype`.
    """
    expected = "a finite number of at least 0"
    number = real(name, value, expected)
    smallest, largest = float(np.finfo(dtype).tiny), float(np.finfo(dtype).max)
    if number != 0 and not smallest <= number <= largest:
        raise ValueError(f"{name}: got {number}, expected {expected} that {dtype} can hold")
    return number


def seed(name: str, value: object) -> int:
    """Return a 64-bit seed: an integer as it is, or drawn from a NumPy generator.

    None draws it from the operating system.

    Raises
    ------
    TypeError, ValueError
        `value` is none of these, or an integer outside 0 … 2**64 - 1.
    """
    if value is None:
        return int.from_bytes(os.urandom(8), "little")
    if isinstance(value, np.random.Generator):
        return int(value.integers(0, 2**64, dtype=np.uint64))
    if isinstance(value, np.random.RandomState):
        return int(value.randint(0, 2**64, dtype=np.uint64))
    return integer(name, value, least=0, most=2**64 - 1)


def thread_count(name: str, value: object) -> int:
    """Return the number of threads to ask for; 0, for None, is as many as the process may use.

    Raises
    ------
    TypeError
        `value` is not an integer.
    ValueError
        `value` is below 1.
    """
    if value is None:
        return 0
    try:
        return min(integer(name, value, least=1), 1024)
    except TypeError:
        raise ValueError(
            f"{name}: got {shown(value)}, expected None or an integer of at least 1"
        ) from None


def path(name: str, value: Any) -> str:
    """Return `value`, the path of a file, as a text.

    Raises
    ------
    TypeError
        `value` is neither a text, nor bytes, nor path-like.
    ValueError
        The text cannot name a file.
    OSError
        The text is longer than a path can be.
    """
    try:
        text = os.fsdecode(value)
        n_bytes = len(os.fsencode(text))
    except TypeError:
        raise TypeError(f"{name}: got {shown(value)}, expected a path") from None
    except UnicodeError:
        raise ValueError(f"{name}: got {shown(value)}, expected Unicode text") from None
    if not text or "\0" in text:
        raise ValueError(f"{name}: got {shown(text)}, expected a path")
    if n_bytes > LONGEST_PATH:
        got = f"{name}: got {shown(text)} of {n_bytes} bytes, expected at most {LONGEST_PATH}"
        raise OSError(errno.ENAMETOOLONG, got)
    return text


def callback_function(name: str, value: Any) -> Any:
    """Return `value`, a callable or None.

    Raises
    ------
    TypeError
        `value` is anything else.
    """
    if value is not None and not callable(value):
        raise TypeError(f"{name}: got {shown(value)}, expected a callable or None")
    return value
