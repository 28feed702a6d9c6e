"""Errors of files: one class for each kind of failure, with the path and what is wrong first."""

from __future__ import annotations

import errno
import gzip
import io
import os
import pickle
import stat
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import rosenblatt as rb
from checksum import sealed
from rosenblatt._cli import commands, table
from rosenblatt._files import atomic, checkpoint_file, safetensors
from rosenblatt._files import model as _files
from test_files import assemble, assert_same, example, header_and_data


def train(path: Path, **options: Any) -> rb.TrainResult:
    net = rb.Network([1, 1], dtype="float64", weights="zeros")
    how: dict[str, Any] = {"loss": "squared_error", "epochs": 2, "checkpoint": path}
    return rb.train(net, [[0.5]], [[0.25]], **(how | options))


def zipped() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("x", "y")
    return file.getvalue()


def array_file() -> bytes:
    file = io.BytesIO()
    np.save(file, np.ones(3))
    return file.getvalue()


def archive_of_arrays() -> bytes:
    file = io.BytesIO()
    np.savez(file, x=np.ones(3))
    return file.getvalue()


def of_another_program() -> bytes:
    return assemble(
        {"__metadata__": {"format": "pt"}, "x": {"dtype": "F32", "shape": [1]}}, bytes(4)
    )


OTHERS: dict[str, tuple[bytes, str]] = {
    "empty": (b"", "it is empty"),
    "a table": (b"x,y\n1,2\n3,4\n", "it is text"),
    "a short text": (b"hello", "it is text"),
    "a text of other letters": ("größer als acht Bytes".encode(), "header: got a length of"),
    "a network in a pickle": (pickle.dumps(example()), "it is a pickle"),
    "an older pickle": (pickle.dumps({"a": 1}, protocol=2), "it is a pickle"),
    "a zip archive": (zipped(), "it is a zip archive"),
    "arrays": (archive_of_arrays(), "it is a zip archive"),
    "an array": (array_file(), "it is a NumPy array"),
    "gzip": (gzip.compress(bytes(100)), "it is a gzip archive"),
    "HDF5": (b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file"),
    "safetensors of another program": (of_another_program(), "format: got 'pt', expected"),
    "safetensors without metadata": (assemble({}, b""), "format: got None, expected"),
    "zeros": (bytes(1000), "header: got b''…, expected JSON"),
    "noise": (np.random.default_rng(0).bytes(1000), "header: got a length of"),
}


@pytest.mark.parametrize("case", OTHERS)
def test_a_file_that_is_none_says_so_first(case: str, tmp_path: Path) -> None:
    content, reason = OTHERS[case]
    path = tmp_path / "t.csv"
    path.write_bytes(content)
    for kind, read in (("model", rb.load), ("checkpoint", train)):
        with pytest.raises(rb.UnknownFormatError) as raised:
            read(path)
        assert str(raised.value).startswith(f"{path} is not a rosenblatt {kind}: {reason}")
        assert raised.value.path == str(path)
        assert len(str(raised.value)) < 400 + len(str(path))
    assert path.read_bytes() == content


def test_a_path_that_is_no_file_is_reported_first(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, reason in (
        (tmp_path, "it is a directory"),
        (tmp_path / "pipe", "it is a named pipe"),
    ):
        with pytest.raises(rb.UnknownFormatError, match="is not a rosenblatt model: " + reason):
            rb.load(path)


def test_a_model_is_no_checkpoint_and_a_checkpoint_no_model(tmp_path: Path) -> None:
    example().save(tmp_path / "m")
    train(tmp_path / "c")
    with pytest.raises(
        rb.UnknownFormatError,
        match=r"m is not a rosenblatt checkpoint: it is a rosenblatt model; rb\.load reads it",
    ):
        train(tmp_path / "m")
    with pytest.raises(
        rb.UnknownFormatError,
        match=r"c is not a rosenblatt model: it is a rosenblatt checkpoint; rb\.train\(.*resumes",
    ):
        rb.load(tmp_path / "c")


# ---- The other classes ---------------------------------------------------------------------------


def test_the_classes_and_what_they_are() -> None:
    kinds = (
        rb.UnknownFormatError,
        rb.DamagedFileError,
        rb.UnsupportedVersionError,
        rb.UnknownActivationError,
    )
    for kind in kinds:
        assert issubclass(kind, rb.ModelFormatError)
        assert not any(issubclass(kind, other) for other in kinds if other is not kind)
    assert issubclass(rb.ModelFormatError, ValueError)
    assert issubclass(rb.CheckpointMismatchError, ValueError)
    assert not issubclass(rb.CheckpointMismatchError, rb.ModelFormatError)


def test_an_error_goes_through_a_pickle_with_its_path(tmp_path: Path) -> None:
    with pytest.raises(rb.UnknownFormatError) as raised:
        rb.load(tmp_path)
    again = pickle.loads(pickle.dumps(raised.value))
    assert (type(again), str(again)) == (rb.UnknownFormatError, str(raised.value))
    assert again.path == str(tmp_path)


def changed(content: bytes, **metadata: str) -> bytes:
    header, data = header_and_data(content)
    header["__metadata__"] |= metadata
    return assemble(header, data)


@pytest.mark.parametrize(
    ("metadata", "error", "message"),
    [
        ({"layers": "[2]"}, rb.DamagedFileError, " is damaged: layers: got [2], expected"),
        (
            {"format_version": "9"},
            rb.UnsupportedVersionError,
            " has an unsupported version: format_version: got '9', expected one of '1', '2', '3', "
            "'4'; a newer rosenblatt may read the file",
        ),
        (
            {"activations": '["mine", "softmax"]'},
            rb.UnknownActivationError,
            " has an unknown activation: no such network: ",
        ),
    ],
)
def test_models(
    metadata: dict[str, str], error: type[rb.ModelFormatError], message: str, tmp_path: Path
) -> None:
    model = changed(_files.to_bytes(example()), **metadata)
    path = tmp_path / "m"
    path.write_bytes(model)
    with pytest.raises(error) as raised:
        rb.load(path)
    assert type(raised.value) is error
    assert raised.value.path == str(path)
    assert str(raised.value).startswith(f"{path}{message}")
    with pytest.raises(error) as raised:  # as a pickle has it
        _files.from_bytes(model)
    assert raised.value.path is None
    assert str(raised.value).startswith(f"the pickled network{message}")


@pytest.mark.parametrize(
    ("metadata", "error"),
    [
        ({"converged": "perhaps"}, rb.DamagedFileError),
        ({"format_version": "9"}, rb.UnsupportedVersionError),
    ],
)
def test_checkpoints(
    metadata: dict[str, str], error: type[rb.ModelFormatError], tmp_path: Path
) -> None:
    path = tmp_path / "c"
    train(path)
    path.write_bytes(changed(path.read_bytes(), **metadata))
    with pytest.raises(error) as raised:
        train(path)
    assert type(raised.value) is error
    assert raised.value.path == str(path)


def test_a_checkpoint_with_an_activation_that_is_not_given(tmp_path: Path) -> None:
    def net(activation: Any) -> rb.Network:
        return rb.Network([1, 2, 1], activation=activation, dtype="float64", random_state=0)

    cube = rb.Activation("cube", lambda Z: Z**3, lambda Z: 3 * Z**2)
    how: dict[str, Any] = {"loss": "squared_error", "epochs": 1, "checkpoint": tmp_path / "c"}
    rb.train(net(cube), [[0.5]], [[0.25]], **how)
    with pytest.raises(rb.UnknownActivationError, match="c has an unknown activation: network: "):
        rb.train(net("tanh"), [[0.5]], [[0.25]], **how)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": None, "l2": 0.1}, "is of a training with other arguments: l2: got 0.1"),
        ({"epochs": 1}, "epochs: got 1, expected at least the 2 that are done in"),
    ],
)
def test_a_checkpoint_of_another_training(
    options: dict[str, Any], message: str, tmp_path: Path
) -> None:
    path = tmp_path / "c"
    train(path)
    with pytest.raises(rb.CheckpointMismatchError, match=message) as raised:
        train(path, **options)
    assert raised.value.path == str(path)
    assert str(path) in str(raised.value)


def test_a_message_about_many_long_settings_is_short(tmp_path: Path) -> None:
    path = tmp_path / "c"
    train(path)
    with pytest.raises(rb.CheckpointMismatchError, match=r"and \d+ more: ") as raised:
        train(
            path,
            optimizer=rb.Adam(rb.schedules.WarmUp(5, rb.schedules.Exponential(0.1, 0.9))),
            l1=0.1,
            l2=0.2,
            shuffle=False,
            gradient_norm=True,
            random_state=3,
        )
    assert len(str(raised.value)) < 400 + len(str(path))


def test_long_settings_are_shown_around_their_difference(tmp_path: Path) -> None:
    path = tmp_path / "c"
    train(path, optimizer=rb.Adam())
    with pytest.raises(
        rb.CheckpointMismatchError, match=r"got Adam\(.*True.*expected Adam\(.*False"
    ):
        train(path, optimizer=rb.Adam(amsgrad=True))


def test_counts_that_no_training_has_are_damage(tmp_path: Path) -> None:
    """The core finds them, and the error is one of the file."""
    path = tmp_path / "c"
    train(path)
    header, data = header_and_data(path.read_bytes())
    begin = header["numbers"]["data_offsets"][0]
    damaged = data[:begin] + np.float64(-1).tobytes() + data[begin + 8 :]
    path.write_bytes(assemble(header, damaged))
    message = f"{path} is damaged: numbers: got counts that no training has after 2 epochs"
    with pytest.raises(rb.DamagedFileError) as raised:
        train(path)
    assert str(raised.value) == message
    assert raised.value.path == str(path)
    nets = [rb.Network([1, 1], dtype="float64", weights="zeros") for _ in range(2)]
    with pytest.raises(rb.DamagedFileError, match=r"networks\[1\]: .*c is damaged: ") as raised:
        rb.train_many(
            nets,
            [[0.5]],
            [[0.25]],
            loss="squared_error",
            epochs=2,
            settings=[{}, {"checkpoint": path}],
        )
    assert raised.value.path == str(path)


# ---- Errors of the system ------------------------------------------------------------------------


def fails(number: int = errno.EIO, words: str = "a broken disk") -> Callable[..., Any]:
    def fail(*_: object, **__: object) -> Any:
        raise OSError(number, words)

    return fail


def test_an_error_of_reading_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example().save(tmp_path / "m")
    train(tmp_path / "c")
    with monkeypatch.context() as patch:
        patch.setattr(safetensors.Source, "take", fails())
        for path, read in ((tmp_path / "m", rb.load), (tmp_path / "c", train)):
            with pytest.raises(OSError, match=f"a broken disk: '{path}'") as raised:
                read(path)
            assert (raised.value.errno, raised.value.filename) == (errno.EIO, str(path))


@pytest.mark.parametrize("function", ["fsync", "replace", "open"])
def test_an_error_of_writing_names_the_path_and_no_temporary_file(
    function: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    example().save(tmp_path / "m")
    for name, save in (("m", example(random_state=2).save), ("c", train)):
        with monkeypatch.context() as patch:
            patch.setattr(os, function, fails())
            with pytest.raises(OSError, match="a broken disk: ") as raised:
                save(tmp_path / name)
        assert str(raised.value) == f"[Errno 5] a broken disk: '{tmp_path / name}'"
        assert raised.value.filename == str(tmp_path / name)
    assert rb.load(tmp_path / "m").theta.tobytes() == example().theta.tobytes()
    assert os.listdir(tmp_path) == ["m"]


def test_a_missing_folder_names_the_path(tmp_path: Path) -> None:
    path = tmp_path / "nowhere" / "m"
    for save in (example().save, train):
        with pytest.raises(FileNotFoundError) as raised:
            save(path)
        assert raised.value.filename == str(path)


def test_a_folder_that_is_not_synced_has_the_new_file_and_the_error_says_so(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    example().save(path)
    fsync = os.fsync

    def files_alone(descriptor: int) -> None:
        if stat.S_ISDIR(os.fstat(descriptor).st_mode):
            raise OSError(errno.EIO, "a broken disk")
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", files_alone)
    words = "a broken disk; the new file has replaced the old one, but may not outlast a power"
    with pytest.raises(OSError, match=words) as raised:
        example(random_state=2).save(path)
    assert (raised.value.errno, raised.value.filename) == (errno.EIO, str(path))
    assert rb.load(path).theta.tobytes() == example(random_state=2).theta.tobytes()
    assert os.listdir(tmp_path) == ["m"]


@pytest.mark.parametrize("which", [1, 2, 3])
def test_an_error_of_closing_is_none(
    which: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of a file that was synced, its folder, or a file that was read."""
    path = tmp_path / "m"
    close, calls = os.close, []

    def closed(descriptor: int) -> None:
        close(descriptor)
        calls.append(descriptor)
        if len(calls) == which:
            raise OSError(errno.EIO, "a broken disk")

    monkeypatch.setattr(os, "close", closed)
    example().save(path)
    assert_same(rb.load(path), example())
    assert len(calls) == 3


# ---- The command line ----------------------------------------------------------------------------


def test_a_model_that_is_damaged_or_has_custom_activations_may_be_replaced(tmp_path: Path) -> None:
    """It is a model; what is none is not replaced."""
    path = tmp_path / "m"
    model = _files.to_bytes(example())
    for content in (
        model[:-1] + bytes([model[-1] ^ 1]),
        changed(model, activations='["mine", "softmax"]'),
        changed(model, format_version="9"),
    ):
        path.write_bytes(content)
        _files.check_is_model(path)
    path.write_bytes(b"x,y\n")
    with pytest.raises(rb.UnknownFormatError):
        _files.check_is_model(path)
    with pytest.raises(commands.CommandError, match=f"cannot save to {path}: {path} is not a ros"):
        commands._check_is_model(str(path))


def test_predictions_are_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / ("p" * 255)  # the longest name
    commands._write_file(str(path), "old\n")
    path.chmod(0o640)
    monkeypatch.setattr(os, "fsync", fails())
    with pytest.raises(OSError, match="a broken disk") as raised:
        commands._write_file(str(path), "new\n")
    assert raised.value.filename == str(path)
    assert path.read_text() == "old\n"
    monkeypatch.undo()
    commands._write_file(str(path), "größer\n")
    assert path.read_text(encoding="utf-8") == "größer\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o640
    assert os.listdir(tmp_path) == [path.name]


def test_the_checksum_of_a_file_in_a_checkpoint_is_verified_too(tmp_path: Path) -> None:
    path = tmp_path / "c"
    train(path)
    content = path.read_bytes()
    damaged = sealed(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(rb.DamagedFileError, match=r"^network: crc32c: got"):
        checkpoint_file.read_from(io.BytesIO(damaged), len(damaged))


def test_an_error_of_reading_a_table_names_the_path(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Path, "read_bytes", fails())
    with pytest.raises(OSError, match="a broken disk: ") as raised:
        table.read_table(str(tmp_path / "t.csv"))
    assert raised.value.filename == str(tmp_path / "t.csv")


def test_predictions_are_not_written_through_a_link_to_itself(tmp_path: Path) -> None:
    path = tmp_path / "link"
    path.symlink_to("link")
    with pytest.raises(OSError, match="symbolic links") as raised:
        commands._write_file(str(path), "y\n")
    assert raised.value.filename == str(path)


def test_an_os_error_without_a_number_is_left_as_it_is(tmp_path: Path) -> None:
    def write(_: object) -> None:
        raise OSError("of the caller's own")

    with pytest.raises(OSError, match=r"^of the caller's own$"):
        atomic.replace(tmp_path / "m", write)
    assert os.listdir(tmp_path) == []
