"""The stub of the compiled module is what the module says of itself."""

from __future__ import annotations

from stub import STUB, generated, readable


def test_the_stub_is_that_of_the_module() -> None:
    hint = "python/rosenblatt/_core.pyi is not up to date: run tests/support/stub.py"
    assert STUB.read_text() == readable(generated()), hint


def test_a_change_of_the_module_changes_the_stub() -> None:
    other = generated().replace("def shuffled(seed:", "def shuffled(seeds:")
    assert readable(other) != STUB.read_text()


def test_the_lines_of_the_stub_are_short() -> None:
    assert max(map(len, STUB.read_text().splitlines())) <= 120
