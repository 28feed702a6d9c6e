"""An action of the playground that is refused changes nothing, whatever happened before it."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosenblatt.playground import training as training_module
from rosenblatt.playground.actions import Actions
from rosenblatt.playground.refused import RefusedError
from rosenblatt.playground.settings import Settings
from rosenblatt.playground.training import Training
from rosenblatt.playground.trainings import Trainings

REFUSALS = (RefusedError, TypeError, ValueError)
BEGIN = asdict(Settings(layers=(3,), batch_size=100)) | {"layers": [3]}


@pytest.fixture(scope="module")
def trainings() -> Iterator[Trainings]:
    made = Trainings()
    yield made
    made.close()


def seen(actions: Actions, page_id: str) -> Any:
    """Everything that a page sees of a paused training."""
    path = ["trainings", page_id]
    return actions.get([*path, "scene"], {}), actions.get([*path, "frame"], {"since": ""})


GOOD_SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "data": st.sampled_from(["moons", "xor", "digits"]),
        "layers": st.lists(st.integers(1, 4), max_size=2),
        "activation": st.sampled_from(["tanh", "relu"]),
        "learning_rate": st.sampled_from([1e-300, 0.1, 100.0]),
        "l2": st.sampled_from([0.0, 1e-300, 10.0]),
        "optimizer": st.sampled_from(["gradient descent", "Adam", "Lion"]),
        "batch_size": st.sampled_from([1, 100, 300]),
        "seed": st.integers(0, 3),
    },
)
WRONG = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=5),
    st.lists(st.one_of(st.integers(), st.floats(), st.text(max_size=2)), max_size=8),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
)
NAMES = ("run", "pause", "step", "sample", "reset", "settings", "select", "classify", "explain")
FIELDS = ("epochs_per_second", "index", "strokes", "weight", "bias", *BEGIN)

# (name, fields): actions that are granted, and some that mostly are not.
GOOD = st.one_of(
    st.sampled_from([("step", {}), ("sample", {}), ("reset", {}), ("pause", {})]),
    st.tuples(st.just("select"), st.fixed_dictionaries({"index": st.integers(0, 299)})),
    st.tuples(st.just("settings"), GOOD_SETTINGS.map(lambda changed: BEGIN | changed)),
)
BAD = st.one_of(
    st.tuples(st.sampled_from(NAMES), st.dictionaries(st.sampled_from(FIELDS), WRONG, max_size=2)),
    st.tuples(
        st.just("settings"),
        st.dictionaries(st.sampled_from(list(BEGIN)), WRONG, min_size=1, max_size=2).map(
            lambda changed: BEGIN | changed
        ),
    ),
    st.tuples(st.just("select"), st.fixed_dictionaries({"index": st.integers(-(10**9), 10**9)})),
    st.tuples(
        st.just("explain"),
        st.fixed_dictionaries({"weight": st.lists(st.integers(-1, 9), min_size=3, max_size=3)}),
    ),
)


@given(st.lists(st.one_of(GOOD, BAD), min_size=1, max_size=12))
def test_a_refused_action_changes_nothing(
    trainings: Trainings, wished: list[tuple[str, dict[str, Any]]]
) -> None:
    actions = Actions(trainings)
    page_id = actions.post(["trainings"], BEGIN)["id"]
    for name, fields in wished:
        before = seen(actions, page_id)
        try:
            actions.post(["trainings", page_id, name], fields)
        except REFUSALS:
            assert seen(actions, page_id) == before
        else:
            actions.post(["trainings", page_id, "pause"], {})


@given(st.dictionaries(st.sampled_from(list(BEGIN)), WRONG, min_size=1, max_size=2))
def test_a_training_that_is_refused_does_not_begin(
    trainings: Trainings, changed: dict[str, Any]
) -> None:
    actions = Actions(trainings)
    before = trainings.count()
    try:
        actions.post(["trainings"], BEGIN | changed)
    except REFUSALS:
        assert trainings.count() == before


# ---- what can be refused only by the thread of a training ----------------------------------------


@pytest.fixture
def training() -> Iterator[Training]:
    made = Training(Settings(layers=(3,), batch_size=100))
    yield made
    made.close()


def test_a_sample_that_is_gone_when_the_thread_looks(training: Training) -> None:
    """Between the check of a request and its turn, other settings can bring fewer samples."""
    before = training.view()
    with pytest.raises(ValueError, match="index: got 300, expected an integer 0 … 299"):
        training.select(300)
    after = training.view()
    assert (after.version, after.index) == (before.version, before.index)
    training.select(299)
    assert training.view().index == 299


@pytest.mark.parametrize("name", ["change", "reset"])
def test_memory_that_is_lacking_for_another_beginning(
    training: Training, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    def without_memory(_net: Any) -> Any:
        raise MemoryError

    training.step()
    before = training.view()
    with monkeypatch.context() as lacking:
        lacking.setattr(training_module, "ShownNetwork", without_memory)
        with pytest.raises(MemoryError):
            training.change(Settings()) if name == "change" else training.reset()
    after = training.view()
    assert after.version == before.version
    training.step()  # the thread lives, and has the network of before
    assert (training.view().step, training.view().beginning) == (2, before.beginning)


def test_one_sample_whose_gradient_fails(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(*_arguments: Any, **_settings: Any) -> Any:
        raise MemoryError

    training.select(7)
    before = training.view()
    with monkeypatch.context() as lacking:
        lacking.setattr(training_module.Network, "gradients", without_memory)
        with pytest.raises(MemoryError):
            training.one_sample()
    assert training.view().version == before.version
    training.one_sample()
    assert training.view().index == 8


def test_a_step_for_which_memory_is_lacking(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_memory(*_arguments: Any, **_settings: Any) -> Any:
        raise MemoryError

    with monkeypatch.context() as lacking:
        lacking.setattr(training_module, "train", without_memory)
        training.step()
    view = training.view()
    assert (view.state, view.step) == ("diverged", 0)
    assert view.message == "there is not enough memory for a step"
    training.step()
    assert (training.view().state, training.view().step) == ("paused", 1)


def test_an_order_that_came_too_late_is_not_obeyed(
    training: Training, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end = threading.Event(), threading.Event()

    def long_step(*_arguments: Any, **_settings: Any) -> None:
        begun.set()
        assert may_end.wait(60)

    with monkeypatch.context() as slow:
        slow.setattr(training_module, "train", long_step)
        training.run(None)
        assert begun.wait(60)
        slow.setattr(training_module, "PATIENCE", 0.01)
        with pytest.raises(TimeoutError, match="did not answer within"):
            training.select(5)
        slow.undo()
        may_end.set()
    training.pause()
    assert training.view().index == 0


def test_an_order_to_a_training_that_ended() -> None:
    made = Training(Settings(layers=(3,)))
    made.close()
    with pytest.raises(RefusedError, match="this training run does not exist"):
        made.step()
