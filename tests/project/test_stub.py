"""The stub of the compiled module is what the module says of itself."""

from __future__ import annotations

import pytest

from stub import STUB, generated, readable


def test_the_stub_is_that_of_the_module() -> None:
    hint = "python/rosenblatt/_core.pyi is not up to date: run tests/support/stub.py"
    assert STUB.read_text() == readable(generated()), hint


def test_a_change_of_the_module_changes_the_stub() -> None:
    other = generated().replace("def shuffled(seed:", "def shuffled(seeds:")
    assert readable(other) != STUB.read_text()


@pytest.mark.parametrize(
    ("second", "changed"),
    [
        ("class LearnerFloat64:", "class LearnerFloat64:\n    def forget(self) -> None: ..."),
        (
            "def columns_rise(X: tuple[numpy.typing.NDArray[numpy.float64]",
            "def columns_rise(X: tuple[float",
        ),
    ],
)
def test_float64_has_the_signatures_of_float32(second: str, changed: str) -> None:
    stub = generated()
    assert second in stub
    with pytest.raises(ValueError, match="got other signatures for float64 than for float32"):
        readable(stub.replace(second, changed))


def test_the_lines_of_the_stub_are_short() -> None:
    assert max(map(len, STUB.read_text().splitlines())) <= 120
