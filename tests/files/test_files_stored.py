"""Files of every earlier version load, and give what they gave when they were written."""

from __future__ import annotations

import json
import os
import pickle
import shutil
import warnings
from pathlib import Path

import pytest

import rosenblatt as rb
from stored_files import CHECKPOINTS, FOLDER, NAMES, OUTPUTS, outputs_of

WANTED = json.loads(OUTPUTS.read_text())


@pytest.mark.parametrize("name", NAMES)
def test_a_stored_file_gives_what_it_gave(name: str, tmp_path: Path) -> None:
    """To the last bit; a checkpoint goes on to the bits to which the release that wrote it went."""
    if name.startswith("pickle-"):
        pytest.importorskip("river" if "river" in name else "sklearn")
    shutil.copy(FOLDER / name, tmp_path / name)  # a checkpoint is written again
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Trying to unpickle")  # scikit-learn's, for its own parts
        got = outputs_of(name, tmp_path / name)
    assert json.loads(json.dumps(got)) == WANTED[name]


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_stored_checkpoint_goes_on_and_does_not_begin_again(name: str, tmp_path: Path) -> None:
    """A training of more epochs that began with the first would give the same numbers."""
    epochs = []
    shutil.copy(FOLDER / name, tmp_path / name)
    CHECKPOINTS[name](tmp_path / name, 5, callback=lambda epoch: epochs.append(epoch.epoch))
    assert epochs == [3, 4]


def test_every_stored_file_has_a_test() -> None:
    assert {*os.listdir(FOLDER)} == {*NAMES, OUTPUTS.name}
    assert WANTED.keys() == {*NAMES}


def test_pickles_that_name_former_modules_load() -> None:
    pickled = (FOLDER.parent / "former_modules.pickle").read_bytes()
    result, stopping, checkpoint, *classes = pickle.loads(pickled)
    assert (type(result), result.epochs, result.seconds) == (rb.TrainResult, 2, 0.5)
    assert stopping == rb.EarlyStopping(patience=3)
    assert checkpoint == rb.Checkpoint("c")
    assert classes == [rb.LearningRates, rb.ModelFormatError]
