"""The command line: what each command prints and saves, and the one line that each mistake gets."""

import codecs
import contextlib
import csv
import io
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pytest

import rosenblatt as rb
from ctrl_c import await_processor_time
from hostile import LONGEST
from rosenblatt._cli.main import main
from rosenblatt._cli.terminal import IN_ASCII, Screen
from rosenblatt._files import model

COMMAND = [sys.executable, "-m", "rosenblatt"]
QUICK = ["train", "digits", "--hidden", "8", "--epochs", "2"]


class Outcome(NamedTuple):
    status: int
    out: str
    err: str


Run = Callable[..., Outcome]


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test runs in an empty folder, on a terminal of 80 columns."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "80")


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def run(*arguments: str) -> Outcome:
        capsys.readouterr()
        status = main(arguments)
        return Outcome(status, *capsys.readouterr())

    return run


def write(name: str, header: list[str], rows: Any) -> None:
    with open(name, "w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])


@pytest.fixture
def flowers() -> list[list[Any]]:
    """A table flowers.csv whose species follows from size and colour."""
    draw = np.random.RandomState(0)
    rows = []
    for i in range(120):
        species = ["setosa", "versicolor", "virginica"][i % 3]
        colour = "blue" if species == "setosa" else draw.choice(["red", "white"])
        rows.append([round((i % 3) * 2 + draw.normal(0, 0.2), 3), colour, i, species])
    write("flowers.csv", ["size", "colour", "id", "species"], rows)
    return rows


def error_of(outcome: Outcome, status: int = 2) -> str:
    """The message of a run that failed with one short line and nothing else."""
    assert outcome.status == status
    assert outcome.out == ""
    [line] = outcome.err.splitlines()
    assert line.startswith("rosenblatt: error: ")
    assert len(line) < LONGEST
    return line.removeprefix("rosenblatt: error: ")


# ---- train digits --------------------------------------------------------------------------------


def test_train_digits(run: Run) -> None:
    status, out, err = run("train", "digits")
    assert (status, err) == (0, "")
    accuracy = re.search(r"held-out accuracy ([\d.]+)% \((\d+) of (\d+)", out)
    assert accuracy
    assert float(accuracy[1]) >= 97
    assert float(accuracy[1]) == pytest.approx(100 * int(accuracy[2]) / int(accuracy[3]), abs=0.005)
    assert len(re.findall(r"^epoch ", out, re.MULTILINE)) == 5
    assert "\r" not in out
    assert "loss (log scale): ── training  · held out" in out
    assert re.search(r"trained in \d+\.\d\d s: 20 × 6,740 samples, [\d,]+ per second", out)
    assert out.endswith("saved to digits.safetensors\n")
    net = rb.load("digits.safetensors")
    assert (net.layers[0], net.layers[-1]) == (64, 10)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_digits_are_read_with_any_seed(run: Run, seed: int) -> None:
    out = run("train", "digits", "--quiet", "--no-save", "--seed", str(seed)).out
    assert float(out.split()[2].rstrip("%")) >= 97


def test_quiet(run: Run) -> None:
    lines = run(*QUICK, "--quiet").out.splitlines()
    assert len(lines) == 2
    assert lines[0].startswith("held-out accuracy")
    assert lines[1] == "saved to digits.safetensors"


def test_no_save(run: Run) -> None:
    outcome = run(*QUICK, "--no-save")
    assert outcome.status == 0
    assert "saved" not in outcome.out
    assert list(Path().iterdir()) == []


def test_save_elsewhere_and_again(run: Run) -> None:
    Path("models").mkdir()
    for _ in range(2):
        assert run(*QUICK, "--save", "models/d").out.endswith("saved to models/d\n")
    assert os.listdir("models") == ["d"]


def test_options_reach_the_network(run: Run) -> None:
    options = "--hidden 5 4 --activation tanh logistic --dtype float64 --held-out 0.5 --seed 7"
    out = run("train", "digits", "--epochs", "1", "--momentum", "0", *options.split()).out
    assert "898 to learn from" in out or "899 to learn from" in out
    assert "loss" in out
    assert "in the only epoch" in out
    net = rb.load("digits.safetensors")
    assert net.layers == (64, 5, 4, 10)
    assert net.activations == ("tanh", "logistic", "softmax")
    assert net.dtype == np.float64


def test_no_hidden_layer(run: Run) -> None:
    assert run("train", "digits", "--epochs", "1", "--hidden").status == 0
    assert rb.load("digits.safetensors").layers == (64, 10)


def test_the_same_command_makes_the_same_file(run: Run) -> None:
    run(*QUICK, "--threads", "1", "--save", "a")
    run(*QUICK, "--threads", "2", "--save", "b")
    run(*QUICK, "--seed", "1", "--save", "c")
    assert Path("a").read_bytes() == Path("b").read_bytes() != Path("c").read_bytes()


def test_predict_digits_from_grey_levels(run: Run) -> None:
    assert run("train", "digits", "--quiet").status == 0
    X, y = rb.datasets.load_digits()
    grey = np.rint(X * 16).astype(int)
    write("grey.csv", [f"pixel_{i}" for i in range(64)], grey.tolist())
    status, out, _ = run("predict", "digits.safetensors", "grey.csv")
    header, *labels = out.splitlines()
    assert (status, header) == (0, "digit")
    assert (np.array(labels, dtype=int) == y).mean() > 0.99  # most of them were trained on


# ---- tables --------------------------------------------------------------------------------------


def test_train_and_predict_classes(run: Run, flowers: list[list[Any]]) -> None:
    status, out, err = run("train", "flowers.csv", "--target", "species", "--drop", "id")
    assert (status, err) == (0, "")
    assert "flowers.csv: 120 rows, 4 columns, delimiter comma" in out
    assert "90 rows to learn from, 30 held out" in out
    assert "numbers: size\n" in out
    assert "text: 'colour': blue, red, white" in out
    assert "target: 'species', one of 3 texts: setosa, versicolor, virginica" in out
    assert "network: 4-64-3, relu, softmax, float32, 515 parameters" in out
    assert "held-out accuracy 100.00% (30 of 30; 33% by always saying setosa)" in out
    assert out.endswith("saved to flowers.safetensors\n")

    # The columns in another order, without those that the model does not know.
    write("new.csv", ["colour", "note", "size"], [[row[1], "", row[0]] for row in flowers])
    status, out, err = run("predict", "flowers.safetensors", "new.csv", "--probabilities")
    assert (status, err) == (0, "")
    header, *rows = csv.reader(io.StringIO(out))
    assert header == [
        "species",
        "probability_setosa",
        "probability_versicolor",
        "probability_virginica",
    ]
    assert [row[0] for row in rows] == [row[3] for row in flowers]
    shares = np.array([row[1:] for row in rows], dtype=float)
    assert np.abs(shares.sum(axis=1) - 1).max() < 1e-6  # three roundings of float32
    assert [header[1 + i].split("_")[1] for i in shares.argmax(axis=1)] == [r[0] for r in rows]


def test_train_and_predict_numbers(run: Run) -> None:
    draw = np.random.RandomState(1)
    area, rooms = draw.uniform(20, 200, 300), draw.randint(1, 6, 300)
    price = 1e5 + 5000 * area + 20_000 * rooms
    write("homes.csv", ["area", "rooms", "price"], np.c_[area, rooms, price].tolist())
    status, out, _ = run("train", "homes.csv", "--target", "price")
    assert status == 0
    assert re.search(r"target: 'price', a number of mean \d+, .* \(regression\)", out)
    score = re.search(r"held-out R² (0\.99\d+), root mean square error ([\d.]+) in price", out)
    assert score
    assert run("predict", "homes.safetensors", "homes.csv", "--output", "p.csv").out == ""
    header, *predicted = Path("p.csv").read_text(encoding="utf-8").splitlines()
    assert header == "price"
    error = np.sqrt(np.square(np.array(predicted, dtype=float) - price).mean())
    assert error == pytest.approx(float(score[2]), rel=0.5)
    assert sorted(os.listdir()) == ["homes.csv", "homes.safetensors", "p.csv"]


def test_a_task_can_be_chosen(run: Run) -> None:
    write("t.csv", ["x", "y"], [[i, i % 3] for i in range(60)])
    assert "classification" in run("train", "t.csv", "--target", "y", "--no-save").out
    out = run("train", "t.csv", "--target", "y", "--no-save", "--task", "regression").out
    assert "(regression)" in out
    assert "R²" in out


def test_predictions_are_written_in_utf8(run: Run) -> None:
    write("t.csv", ["x", "y"], [[i, ["grün", "a,b"][i > 20]] for i in range(40)])
    run("train", "t.csv", "--target", "y", "--epochs", "200")
    done = subprocess.run(
        [*COMMAND, "predict", "t.safetensors", "t.csv"],
        env=os.environ | {"PYTHONIOENCODING": "ascii"},
        capture_output=True,
        check=True,
    )
    assert set(done.stdout.decode().splitlines()) == {"y", "grün", '"a,b"'}


@pytest.mark.parametrize(
    ("header", "rows", "complaint"),
    [
        (["size"], [[1]], "new.csv: there is no column 'colour', only 'size'"),
        (["x"], [["a"]], "there is no column 'size', 'colour', only 'x'"),
        (
            ["size", "colour"],
            [[1, "red"], [1, "pink"]],
            "line 3 (row 2), column 'colour': 'pink' is",
        ),
        (["size", "colour"], [[1, "red"], ["", "red"]], "line 3 (row 2), column 'size': '' is a"),
        (["size", "colour"], [["big", "red"]], "line 2 (row 1), column 'size': 'big' is text"),
        (["size", "colour"], [[1e90, "red"]], "line 2 (row 1), column 'size': '1e+90' is too far"),
        (["size", "colour"], [], "new.csv: there are no rows below the header"),
    ],
)
def test_tables_that_do_not_fit_the_model(
    run: Run, flowers: Any, header: list[str], rows: Any, complaint: str
) -> None:
    run("train", "flowers.csv", "--target", "species", "--drop", "id", "--epochs", "1")
    write("new.csv", header, rows)
    assert complaint in error_of(run("predict", "flowers.safetensors", "new.csv"))


def test_a_prediction_that_overflows_is_said(run: Run) -> None:
    write("t.csv", ["x", "y"], [[i / 8, i * 1e30 + 0.5] for i in range(40)])
    run("train", "t.csv", "--target", "y")
    write("new.csv", ["x"], [["1"], ["4e38"]])
    message = error_of(run("predict", "t.safetensors", "new.csv"))
    assert message == "new.csv: line 3 (row 2): the prediction is not finite"


def test_existing_output_is_replaced_whole(run: Run, flowers: Any) -> None:
    run("train", "flowers.csv", "--target", "species", "--epochs", "1")
    Path("p.csv").write_text("old " * 1000, encoding="utf-8")
    Path("p.csv").chmod(0o640)
    assert run("predict", "flowers.safetensors", "flowers.csv", "--output", "p.csv").status == 0
    assert len(Path("p.csv").read_text(encoding="utf-8").splitlines()) == 121
    assert Path("p.csv").stat().st_mode & 0o777 == 0o640


# ---- show ----------------------------------------------------------------------------------------


def test_show_a_table_model(run: Run, flowers: Any) -> None:
    run("train", "flowers.csv", "--target=species", "--drop=id", "--hidden=5", "--epochs=1")
    status, out, err = run("show", "flowers.safetensors")
    assert (status, err) == (0, "")
    assert "network: 4-5-3, relu, softmax, float32, 43 parameters" in out
    assert re.search(r"^1 → 2 +5 × 4 +relu +-[01]\.\d+ +[01]\.\d+", out, re.MULTILINE)
    assert "predicts 'species': one of 3 texts: setosa, versicolor, virginica" in out
    assert re.search(r"^  'size': a number of mean [\d.]+, standard", out, re.MULTILINE)
    assert "  'colour': one of 3 texts: blue, red, white" in out


def test_show_a_long_list_of_columns(run: Run) -> None:
    run(*QUICK)
    out = run("show", "digits.safetensors").out
    assert "… 53 more …" in out
    assert "'pixel_63'" in out


def test_a_model_from_python_has_no_columns(run: Run) -> None:
    rb.Network([2, 1], random_state=0).save("plain")
    assert "no table" in run("show", "plain").out
    write("t.csv", ["a", "b"], [[1, 2]])
    assert "does not say which columns" in error_of(run("predict", "plain", "t.csv"))


def test_show_names_norms_and_skips(run: Run) -> None:
    rb.Network([4, 4, 3, 1], norm=["batch", None], skip=True, random_state=0).save("deep")
    out = run("show", "deep").out
    assert re.search(r"^1 → 2 +4 × 4 +batch norm, relu, skip  ", out, re.MULTILINE)
    assert re.search(r"^2 → 3 +3 × 4 +relu  ", out, re.MULTILINE)


def test_hostile_models_are_refused(run: Run) -> None:
    net = rb.Network([2, 1], random_state=0)
    for form in ["", "{}", "null", json.dumps({"format": 1, "columns": [], "target": {}})]:
        model.save(net, "hostile", {"table": form})
        for command in (["show", "hostile"], ["predict", "hostile", "hostile"]):
            assert error_of(run(*command)).startswith("hostile is damaged: table: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["q" * 10**5], "COMMAND"),
        (["train", "digits", "--" + "q" * 10**5], "unrecognized arguments"),
        (["train", "digits", "--activation", "q" * 10**5], "--activation"),
        (["train", "digits", "--epochs", "9" * 10**5], "--epochs"),
        (["train", "wide.csv"], "--target"),
        (["train", "wide.csv", "--target", "q" * 10**5], "there is no column 'qqq"),
        (["train", "wide.csv", "--target", "n" * 300 + "0"], "column 'nnn"),
        (["show", "/".join(["d" * 200] * 15)], "No such file"),
    ],
)
def test_a_message_is_short(run: Run, arguments: list[str], words: str) -> None:
    write("wide.csv", [f"{'n' * 300}{i}" for i in range(100)], [["red"] * 100] * 20)
    assert words in error_of(run(*arguments))


@pytest.mark.parametrize("path", ["q" * 300, "q" * 10**5])
def test_a_message_about_a_path_that_is_too_long(run: Run, path: str) -> None:
    for arguments in (["train", path, "--target", "y"], ["show", path], ["predict", path, "t.csv"]):
        assert "File name too long" in error_of(run(*arguments), status=1)


def test_names_from_a_file_cannot_steer_the_terminal(run: Run) -> None:
    nasty = "\x1b]0;owned\x07\u202e\x9b31m"
    write("t.csv", ["x" + nasty, "y"], [[i, nasty + str(i % 2)] for i in range(40)])
    results = [
        run("train", "t.csv", "--target", "y", "--epochs", "1"),
        run("show", "t.safetensors"),
        run("train", "t.csv", "--target", nasty),
    ]
    for result in results:
        assert all(line.isprintable() for line in (result.out + result.err).splitlines())
    assert r"\x1b]0;owned" in results[0].out
    assert "\x1b" not in on_a_terminal("predict", "t.safetensors", "t.csv").out
    assert "\x1b" in run("predict", "t.safetensors", "t.csv").out  # data stays as it is in a pipe


# ---- mistakes ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ("", "the following arguments are required: COMMAND"),
        ("dance", "invalid choice: 'dance'"),
        ("train", "the following arguments are required: data"),
        ("train digits --epochs 0", "argument --epochs: got '0', expected a whole number from 1"),
        ("train digits --epochs 1.5", "argument --epochs: got '1.5', expected"),
        ("train digits --epochs 99999999999", "argument --epochs: got '99999999999', expected"),
        ("train digits --epochs ٣", "argument --epochs: got '٣', expected"),
        ("train digits --batch-size 0", "argument --batch-size: got '0', expected"),
        ("train digits --learning-rate 0", "argument --learning-rate: got '0', expected a number"),
        (
            "train digits --learning-rate -1",
            "argument --learning-rate: got '-1', expected a number",
        ),
        ("train digits --learning-rate nan", "argument --learning-rate: got 'nan', expected"),
        ("train digits --learning-rate inf", "argument --learning-rate: got 'inf', expected"),
        ("train digits --momentum 1", "argument --momentum: got '1', expected a number from 0"),
        ("train digits --momentum nan", "argument --momentum: got 'nan', expected"),
        ("train digits --held-out 0", "argument --held-out: got '0', expected a number between"),
        ("train digits --held-out 1", "argument --held-out: got '1', expected"),
        ("train digits --seed -1", "argument --seed: got '-1', expected a whole number from 0"),
        ("train digits --seed 18446744073709551616", "argument --seed: got"),
        ("train digits --threads 0", "argument --threads: got '0', expected"),
        ("train digits --hidden 0", "argument --hidden: got '0', expected"),
        ("train digits --hidden 5 --activation relu tanh", "argument --activation: got 2 names"),
        ("train digits --activation cube", "argument --activation: invalid choice: 'cube'"),
        ("train digits --dtype float16", "argument --dtype: invalid choice: 'float16'"),
        ("train digits --target x", "--target is for tables"),
        ("train digits --drop x", "--drop is for tables"),
        ("train digits --epo 3", "unrecognized arguments: --epo 3"),
        ("train digits --no-save --save x", "not allowed with argument"),
        ("train digits --save no/where", "cannot save to no/where: there is no folder no"),
        ("train digits --save .", "cannot save to .: . is not a rosenblatt model: it is a dir"),
        ("train digits --save t.csv", "cannot save to t.csv: t.csv is not a rosenblatt model: it"),
        ("train t.csv --target y --save ./t.csv", "cannot save to ./t.csv: that is the table"),
        ("train t.csv --target y --save /dev/null", "cannot save to /dev/null"),
        ("train t.csv", "t.csv: --target has to name the column to predict, of 'x', 'y'"),
        ("train t.csv --target z", "t.csv: there is no column 'z', only 'x', 'y'"),
        ("train t.csv --target y --delimiter ab", "argument --delimiter: got 'ab', expected"),
        ("train t.csv --target y --task count", "argument --task: invalid choice"),
        ("train none.csv --target y", "none.csv: No such file or directory"),
        ("train . --target y", ".: Is a directory"),
        ("predict none t.csv", "none: No such file or directory"),
        ("predict t.csv t.csv", "t.csv is not a rosenblatt model: it is text"),
        ("predict digits.safetensors none.csv", "none.csv: No such file or directory"),
        ("show none", "none: No such file or directory"),
        ("show .", ". is not a rosenblatt model: it is a directory"),
        ("predict m m", "m: this is not a text file"),
        ("predict m u.csv --output u.csv", "argument --output: u.csv is the table"),
        ("predict m u.csv --output m", "argument --output: m is the model"),
        ("predict m u.csv --output no/where", "no/where: No such file or directory"),
        ("predict n u.csv --probabilities", "--probabilities: this model predicts a number"),
    ],
)
def test_mistakes(run: Run, arguments: str, complaint: str) -> None:
    write("t.csv", ["x", "y"], [[i, "ab"[i % 2]] for i in range(20)])
    write("u.csv", ["x", "y"], [[i, i / 3] for i in range(20)])
    run("train", "t.csv", "--target", "y", "--epochs", "1", "--save", "m")
    run("train", "u.csv", "--target", "y", "--epochs", "1", "--save", "n")
    if "digits.safetensors" in arguments:
        run(*QUICK)
    before = {path.name: path.read_bytes() for path in Path().iterdir()}
    assert complaint in error_of(run(*arguments.split()))
    assert {path.name: path.read_bytes() for path in Path().iterdir()} == before


def test_divergence(run: Run) -> None:
    status, _, err = run("train", "digits", "--learning-rate", "1e30", "--activation", "identity")
    assert status == 1
    assert re.fullmatch(
        r"rosenblatt: error: training diverged: .* in epoch 1: try a smaller --learning-rate; "
        r"no model was saved\n",
        err,
    )
    assert os.listdir() == []


def test_too_large_a_network(run: Run) -> None:
    message = error_of(run("train", "digits", "--hidden", "2147483647", "2147483647"))
    assert message.startswith("argument --hidden: got more weights than fit into")


def test_too_many_categories_for_a_model_file(run: Run) -> None:
    rows = [[f"{'x' * 20_000}{i}", "ab"[i % 2]] for i in range(60)]
    write("t.csv", ["x", "y"], rows)
    assert "the model could not be saved" in error_of(run("train", "t.csv", "--target", "y"))


def test_a_full_disk_is_said() -> None:
    with open("/dev/full", "w", encoding="utf-8") as full:
        done = subprocess.run([*COMMAND, *QUICK], stdout=full, stderr=subprocess.PIPE, check=False)
    assert done.stderr == b"rosenblatt: error: cannot write: No space left on device\n"
    assert done.returncode == 1


def test_predictions_on_a_full_disk_are_said(run: Run, flowers: Any) -> None:
    run("train", "flowers.csv", "--target", "species", "--epochs", "1")
    outcome = run("predict", "flowers.safetensors", "flowers.csv", "--output", "/dev/full")
    assert error_of(outcome, status=1) == "/dev/full: No space left on device"


@pytest.mark.parametrize("command", [["--help"], ["train", "--help"], QUICK, ["show", "d"]])
def test_a_reader_that_goes_away_is_no_error(run: Run, command: list[str]) -> None:
    run(*QUICK, "--save", "d")
    reading, writing = os.pipe()
    os.close(reading)
    with open(writing, "wb") as pipe:
        done = subprocess.run(
            [*COMMAND, *command], stdout=pipe, stderr=subprocess.PIPE, check=False
        )
    assert done.stderr == b""
    assert done.returncode in (0, 141)  # argparse itself forgives help that is not read


def test_a_closed_output_is_no_error() -> None:
    command = " ".join(["exec", *COMMAND, *QUICK, ">&-"])
    assert subprocess.run(["sh", "-c", command], check=False).returncode == 0
    assert Path("digits.safetensors").exists()


# ---- help ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [[], ["train"], ["predict"], ["show"]])
def test_help(run: Run, capsys: pytest.CaptureFixture[str], command: list[str]) -> None:
    with pytest.raises(SystemExit) as raised:
        main([*command, "--help"])
    assert raised.value.code == 0
    out = capsys.readouterr().out
    assert out.startswith(f"usage: {' '.join(['rosenblatt', *command])}")
    assert "examples:" in out or command == ["show"]
    assert max(map(len, out.splitlines())) <= 80


def test_version() -> None:
    done = subprocess.run([*COMMAND, "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"rosenblatt {rb.__version__}\n"


# ---- on a terminal -------------------------------------------------------------------------------


# Makes the terminal the command's own, for Ctrl-C to reach it, and becomes the command.
ON_A_TERMINAL = """
import os, sys
os.login_tty(int(sys.argv[1]))
os.execv(sys.executable, [sys.executable, "-m", "rosenblatt", *sys.argv[2:]])
"""


class Terminal:
    """The command in a pseudo-terminal of 80 columns."""

    def __init__(self, *arguments: str, **environment: str) -> None:
        self._ours, theirs = pty.openpty()
        settings = {"COLUMNS": "80", "PYTHONUTF8": "1"} | environment
        self._process = subprocess.Popen(
            [sys.executable, "-c", ON_A_TERMINAL, str(theirs), *arguments],
            env=os.environ | settings,
            pass_fds=[theirs],
        )
        os.close(theirs)
        self._decoder = codecs.getincrementaldecoder("utf-8")()  # a chunk may end in a character
        self.seen = ""

    def read_until(self, text: str, seconds: float = 60) -> None:
        """Read until `text` has appeared, or, if that is empty, until the command ends."""
        end = time.monotonic() + seconds
        while not text or text not in self.seen:
            assert select.select([self._ours], [], [], max(0, end - time.monotonic()))[0], self.seen
            try:
                chunk = os.read(self._ours, 65536)
            except OSError:  # Linux says so when the other end is closed
                chunk = b""
            if not chunk:
                assert not text, self.seen
                return
            self.seen += self._decoder.decode(chunk)

    def press_ctrl_c(self) -> None:
        os.write(self._ours, b"\x03")

    def end(self) -> Outcome:
        """Read the rest and wait for the exit status."""
        try:
            self.read_until("")
            return Outcome(self._process.wait(60), self.seen, "")
        finally:
            self.close()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._ours)
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(60)


def on_a_terminal(*arguments: str, **environment: str) -> Outcome:
    return Terminal(*arguments, **environment).end()


@pytest.fixture
def endless() -> Iterator[Terminal]:
    """A training that ends only when it is told to."""
    terminal = Terminal("train", "digits", "--hidden", "8", "--epochs", "2000000000")
    yield terminal
    terminal.close()


def test_the_live_line_is_rewritten() -> None:
    status, seen, _ = on_a_terminal("train", "digits", "--hidden", "8", "--epochs", "300")
    assert status == 0
    frames = re.findall(r"\repoch +(\d+)/300 ", seen)
    assert 2 <= len(frames) <= 300
    assert frames[-1] == "300"
    assert "\x1b" not in seen
    assert "\repoch 300/300" in seen.split("held-out accuracy")[0]
    assert max(len(line) for line in re.split(r"[\r\n]+", seen)) <= 100


def test_ctrl_c_saves_the_model(endless: Terminal) -> None:
    endless.read_until("\repoch")
    endless.press_ctrl_c()
    status, seen, _ = endless.end()
    assert status == 130
    assert re.search(r"rosenblatt: interrupted in epoch \d+\r\n", seen)
    assert seen.endswith("saved to digits.safetensors\r\n")
    assert "Traceback" not in seen
    assert rb.load("digits.safetensors").layers == (64, 8, 10)


def test_ctrl_c_without_saving() -> None:
    command = [*COMMAND, "train", "digits", "--epochs", "2000000", "--hidden", "8", "--no-save"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith(b"digits")
        process.stdout.readline()
        process.stdout.readline()
        await_processor_time(process.pid, 0.3)  # the training begins at once after these lines
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert err.startswith(b"rosenblatt: interrupted")
    assert b"saved" not in out
    assert os.listdir() == []


def test_a_stream_without_unicode_gets_ascii() -> None:
    environment = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}
    done = subprocess.run(
        [*COMMAND, "train", "digits"],
        env=os.environ | environment,
        capture_output=True,
        check=True,
    )
    text = done.stdout.decode("ascii")
    assert "\\x" not in text
    assert "\\u" not in text
    assert "8 x 8 grey levels" in text
    assert re.search(r"^ *0\.\d+ \|-*\.$", text, re.MULTILINE)


@pytest.mark.parametrize("columns", [20, 40, 200])
def test_the_width_of_the_terminal_is_kept(columns: int) -> None:
    seen = on_a_terminal("train", "digits", "--epochs", "3", COLUMNS=str(columns)).out
    drawing = [line for line in seen.splitlines() if re.match(r" *[\d.]* ?[┤└]", line)]
    assert len(drawing) == 11
    assert max(map(len, drawing)) <= min(columns, 80)
    assert all(len(frame) < columns for frame in re.findall(r"\r(epoch[^\r\n]*)", seen))


def test_every_typographic_character_has_its_ascii() -> None:
    sources = (Path(rb.__file__).parent / "_cli").glob("*.py")
    text = "".join(path.read_text(encoding="utf-8") for path in sources if path.stem != "terminal")
    foreign = {c for c in text if not c.isascii()}
    assert foreign <= {chr(code) for code in IN_ASCII}
    assert all(str(each).isascii() for each in IN_ASCII.values())


def test_a_live_line_covers_the_one_before() -> None:
    stream = io.StringIO()
    screen = Screen(stream)
    screen.rewrite("epoch 10")
    screen.rewrite("epoch 9")
    screen.say("done")
    assert stream.getvalue() == "\repoch 10\repoch 9 \ndone\n"
