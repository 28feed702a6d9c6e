"""Tables: what is read from a CSV file, how columns are encoded, what a bad cell is answered."""

import contextlib
import json
import math
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from rosenblatt import ModelFormatError
from rosenblatt._cli.data import digit_samples, table_samples
from rosenblatt._cli.encoding import (
    MOST_CATEGORIES,
    Categories,
    Encoding,
    Number,
    fit_column,
    fit_number,
    from_json,
    to_json,
)
from rosenblatt._cli.holdout import draw_held_out
from rosenblatt._cli.table import Table, TableError, read_table


@pytest.fixture
def table_of(tmp_path: Path) -> Any:
    """A function that reads a table from its text or bytes."""

    def read(content: str | bytes, delimiter: str | None = None) -> Table:
        path = tmp_path / "t.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return read_table(str(path), delimiter)

    return read


# ---- reading -------------------------------------------------------------------------------------


@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_dialects(table_of: Any, delimiter: str, line_end: str, mark: str) -> None:
    lines = ["a|b|c", "1| 2.5 |x", '-1e3|.5|"say ""no"""']
    table = table_of(mark + line_end.join(lines).replace("|", delimiter) + line_end * 2)
    assert table.delimiter == delimiter
    assert list(table.columns) == ["a", "b", "c"]
    assert table.column("a").tolist() == [1, -1000]
    assert table.column("b").tolist() == [2.5, 0.5]
    assert table.column("c") == ("x", 'say "no"')
    assert table.lines == [2, 3]


def test_a_chosen_delimiter(table_of: Any) -> None:
    table = table_of("a,b|c\n1|2\n", "|")
    assert list(table.columns) == ["a,b", "c"]


def test_quoted_cells_hold_delimiters_and_line_ends(table_of: Any) -> None:
    table = table_of('"a;b";c\n"x\ny";"1"\n"z";"oops"\n')
    assert table.columns == {"a;b": ("x\ny", "z"), "c": ("1", "oops")}
    assert table.lines == [2, 4]
    with pytest.raises(TableError, match=r"line 4 \(row 2\), column 'c': 'oops'"):
        table.column("c")


def test_spaces_around_cells_do_not_count(table_of: Any) -> None:
    table = table_of('a, b\n 1 , "x, y" \n'.replace('" \n', '"\n'))
    assert table.columns == {"a": ("1",), "b": ("x, y",)}


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("", "the file is empty"),
        ("\ufeff\n\n", "the file is empty"),
        ("a,b\n", "no rows below the header"),
        ("a,b\n\n\n", "no rows below the header"),
        ("\na,b\n1,2\n", "line 1 is blank"),
        ("a,b\n1,2\n\n3,4\n", "line 3 is blank"),
        ("1,2.5\n3,4\n", r"first line holds only numbers \(1, 2.5\)"),
        ("a,a\n1,2\n", "columns 1 and 2 are both named 'a'"),
        ("a, a\n1,2\n", "columns 1 and 2 are both named 'a'"),
        (",a\n1,2\n", "column 1 has no name"),
        ("a,b\n1,2\n1\n", r"line 3 \(row 2\): got 1 cells, expected 2"),
        ("a,b\n1,2,3\n", r"line 2 \(row 1\): got 3 cells, expected 2"),
        ('a,b\n1,"2\n3,4\n', "line 2 is not valid CSV"),
        ('a,b\n1,"2"3\n', "line 2 is not valid CSV"),
        (f"a,b\n1,{'x' * 200_000}\n", "line 2 is not valid CSV: field larger"),
        ("a,b\n1,ö\n".encode("latin-1"), r"line 2 is not UTF-8 \(byte 0xf6\)"),
        ("a,b\n1,2\n".encode("utf-16"), "UTF-16"),
        (b"a,b\n1,\0\n", "not a text file"),
    ],
)
def test_what_is_no_table(table_of: Any, content: str | bytes, complaint: str) -> None:
    with pytest.raises(TableError, match=complaint) as raised:
        table_of(content)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("cells", "complaint"),
    [
        (["1", "", "3"], r"line 3 \(row 2\), column 'x': '' is a missing cell"),
        (["1", "NA", ""], r"line 3 .*'NA' is a missing cell.*\(2 such cells in this column\)"),
        (["red", "NaN", "blue"], r"line 3 .*'NaN' is a missing cell"),
        (["null", "2", "3"], r"line 2 .*'null' is a missing cell"),
        (["?", "2", "3"], r"line 2 .*'\?' is a missing cell"),
        (["1", "2", "red"], r"line 4 .*'red' is text among numbers"),
        (["red", "2", "blue"], r"line 3 .*'2' is a number among texts"),
        (["1", "2", "inf"], r"line 4 .*'inf' is infinite"),
        (["1", "-Infinity", "2"], r"line 3 .*'-Infinity' is infinite"),
        (["1", "1e999", "2"], r"line 3 .*'1e999' is beyond"),
        (["1", "-1e301", "2"], r"line 3 .*'-1e301' is beyond"),
        (["1", "2", "1_0"], r"line 4 .*'1_0' is text among numbers"),
        (["1", "2", "٣"], r"line 4 .*'٣' is text among numbers"),
        (["1", "2", "0x10"], r"line 4 .*'0x10' is text among numbers"),
        (["1", "1,5", "2"], r"line 3 .*'1,5' is not a number: write it with a decimal point"),
        (["0,5", "1,5", "-2,5"], r"line 2 .*'0,5' has a comma"),
        (["1,000", "22,000.5", "1,000,000"], r"line 2 .*'1,000' has a comma"),
    ],
)
def test_cells_that_cannot_be_used(table_of: Any, cells: list[str], complaint: str) -> None:
    table = table_of("x;y\n" + "".join(f"{cell};0\n" for cell in cells))
    with pytest.raises(TableError, match=complaint):
        table.column("x")


def test_texts_become_categories(table_of: Any) -> None:
    table = table_of("x,y\ninf,0\nred,0\n1st,0\n")
    assert table.column("x") == ("inf", "red", "1st")
    with pytest.raises(TableError, match="'inf' is text, expected a number"):
        table.numbers("x")


def test_an_unknown_column_is_answered_with_the_known(table_of: Any) -> None:
    with pytest.raises(TableError, match=r"no column 'z', only 'x', 'y'$"):
        table_of("x,y\n1,2\n").require(["z"])
    with pytest.raises(TableError, match=r"is its first line a header\?"):
        table_of("5.1,setosa\n1,setosa\n").require(["species"])


@given(st.binary(max_size=200) | st.text(alphabet='a1,;\t"\n\r .', max_size=60).map(str.encode))
def test_any_bytes_are_a_table_or_a_complaint(content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        with contextlib.suppress(TableError):
            table = read_table(file.name)
            for name in table.columns:
                table.column(name)


# ---- encoding ------------------------------------------------------------------------------------


@pytest.mark.parametrize("scale", [1.0, 1e-200, 1e200, 5e-324])
def test_standardisation(scale: float) -> None:
    values = np.array([1.0, 2.0, 3.0, 6.0]) * scale
    number = fit_number("x", values)
    standardised = (values - number.mean) / number.std
    if scale > 1e-300:  # below, there are few digits left
        assert abs(standardised.mean()) < 1e-15
        assert abs(standardised.std() - 1) < 1e-15
    assert np.isfinite(standardised).all()
    assert number.std > 0


@pytest.mark.parametrize("value", [0.0, 0.1, -1e300, 5e-324])
def test_a_constant_column_is_shifted_to_zero(value: float) -> None:
    number = fit_number("x", np.full(7, value))
    assert (number.mean, number.std) == (value, 1.0)


def test_inputs(table_of: Any) -> None:
    table = table_of("y,colour,x\n0,red,3\n1,blue,5\n")
    encoding = Encoding(
        (Number("x", 1.0, 2.0), Categories("colour", ("blue", "green", "red"))),
        Number("y", 0.0, 1.0),
    )
    X = encoding.inputs(table, "float32")
    assert X.dtype == np.float32
    assert X.tolist() == [[1, 0, 0, 1], [2, 1, 0, 0]]


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        (
            "3,red\n5,pink\n",
            r"line 3 \(row 2\), column 'c': 'pink' is unknown, expected one of: a, b",
        ),
        ("3,a\n5,\n", r"line 3 \(row 2\), column 'c': '' is a missing cell"),
        ("x,a\ny,a\n", r"line 2 \(row 1\), column 'x': 'x' is text, expected a number"),
        ("1,a\n1e200,a\n", r"line 3 \(row 2\), column 'x': '1e200' is too far"),
    ],
)
def test_inputs_that_cannot_be_made(table_of: Any, rows: str, complaint: str) -> None:
    encoding = Encoding((Number("x", 0, 1), Categories("c", ("a", "b", "red"))), Number("y", 0, 1))
    with pytest.raises(TableError, match=complaint):
        encoding.inputs(table_of("x,c\n" + rows), "float32")


def test_too_many_categories(table_of: Any) -> None:
    table = table_of("x,y\n" + "".join(f"t{i},0\n" for i in range(MOST_CATEGORIES + 1)))
    with pytest.raises(TableError, match=r"column 'x' has 101 different texts.*--drop 'x'"):
        fit_column(table, "x", np.ones(table.n_rows, dtype=bool))


# ---- the JSON form -------------------------------------------------------------------------------

LAYERS = (3, 2)
SOUND = Encoding(
    (Number("x", 0.1, 2.5e-8), Categories("farbe", ("grün", "rot"))), Categories("y", ("0", "1"))
)


def test_the_json_form_comes_back() -> None:
    assert from_json(to_json(SOUND), LAYERS, "softmax") == SOUND


def planted(path: list[Any], value: Any) -> str:
    """The sound form with a value replaced; `...` takes it out."""
    form = place = json.loads(to_json(SOUND))
    for key in path[:-1]:
        place = place[key]
    if value is ...:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return json.dumps(form)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (["format"], 2),
        (["format"], True),
        (["format"], 1.0),
        (["format"], ...),
        (["more"], 1),
        (["columns"], []),
        (["columns"], {}),
        (["columns", 0], 1),
        (["columns", 0], []),
        (["columns", 0, "kind"], "text"),
        (["columns", 0, "kind"], ["number"]),
        (["columns", 0, "kind"], ...),
        (["columns", 0, "more"], 1),
        (["columns", 0, "name"], ""),
        (["columns", 0, "name"], " x"),
        (["columns", 0, "name"], 1),
        (["columns", 0, "name"], "\ud800"),
        (["columns", 0, "name"], "farbe"),
        (["columns", 0, "name"], "y"),
        (["columns", 0, "mean"], "0"),
        (["columns", 0, "mean"], True),
        (["columns", 0, "mean"], math.nan),
        (["columns", 0, "mean"], math.inf),
        (["columns", 0, "mean"], 10**400),
        (["columns", 0, "mean"], ...),
        (["columns", 0, "std"], 0),
        (["columns", 0, "std"], -1),
        (["columns", 1, "values"], []),
        (["columns", 1, "values"], ["rot"]),
        (["columns", 1, "values"], ["rot", "rot"]),
        (["columns", 1, "values"], ["rot", None]),
        (["columns", 1, "values"], "rot"),
        (["columns", 1, "values"], [f"t{i}" for i in range(MOST_CATEGORIES + 1)]),
        (["target"], None),
        (["target", "values"], ["0", "1", "2"]),
        (["target"], {"kind": "number", "name": "y", "mean": 0, "std": 1}),
    ],
)
def test_a_changed_json_form_is_refused(path: list[Any], value: Any) -> None:
    with pytest.raises(ModelFormatError):
        from_json(planted(path, value), LAYERS, "softmax")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "null",
        "[]",
        "{",
        "[" * 100_000,
        '{"format":1,"format":1,"columns":[],"target":{}}',
        to_json(SOUND).replace("0.1", "1" * 5000),
        to_json(SOUND).replace("0.1", "1e999"),
        to_json(SOUND) + " x",
    ],
)
def test_malformed_json_is_refused(text: str) -> None:
    with pytest.raises(ModelFormatError):
        from_json(text, LAYERS, "softmax")


def test_the_output_activation_fits_the_target() -> None:
    with pytest.raises(ModelFormatError, match="got the output activation logistic"):
        from_json(to_json(SOUND), LAYERS, "logistic")


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(
    path=st.sampled_from(
        [["format"], ["columns"], ["target"], ["columns", 0], ["columns", 1], ["target", "values"]]
        + [["columns", 0, key] for key in ("kind", "name", "mean", "std")]
    ),
    value=ANYTHING,
)
def test_any_value_in_the_json_form_is_read_or_refused(path: list[Any], value: Any) -> None:
    try:
        encoding = from_json(planted(path, value), LAYERS, "softmax")
    except ModelFormatError:
        return
    assert from_json(to_json(encoding), LAYERS, "softmax") == encoding


# ---- the split -----------------------------------------------------------------------------------


def test_the_split_is_stratified_and_seeded() -> None:
    strata = np.repeat([0, 1, 2], [100, 50, 7])
    out = draw_held_out(strata, 0.25, seed=3)
    assert out.sum() == round(0.25 * 157)
    assert np.bincount(strata[out]).tolist() == [25, 12, 2]
    assert (draw_held_out(strata, 0.25, seed=3) == out).all()
    assert (draw_held_out(strata, 0.25, seed=4) != out).any()


@given(
    sizes=st.lists(st.integers(1, 30), min_size=1, max_size=6),
    fraction=st.floats(0, 1, exclude_min=True, exclude_max=True),
)
def test_every_class_keeps_a_training_row(sizes: list[int], fraction: float) -> None:
    strata = np.repeat(np.arange(len(sizes)), sizes)
    out = draw_held_out(strata, fraction, seed=0)
    assert np.bincount(strata[~out], minlength=len(sizes)).min() >= 1
    assert out.any() == (max(sizes) > 1)


def test_the_split_does_not_change_between_versions() -> None:
    # Python draws 0.84, 0.76, 0.42, 0.26, 0.51, 0.40, 0.78, 0.30: the smaller half is held out.
    assert draw_held_out(np.zeros(8, np.int64), 0.5, seed=0).nonzero()[0].tolist() == [2, 3, 5, 7]


# ---- samples -------------------------------------------------------------------------------------


def samples(tmp_path: Path, content: str, **options: Any) -> Any:
    path = tmp_path / "t.csv"
    path.write_text(content, encoding="utf-8")
    settings = {"target": "y", "held_out": 0.25, "seed": 0, "dtype": "float32"}
    return table_samples(str(path), **(settings | options))


def rows(cells: list[Any]) -> str:
    return "x,y\n" + "".join(f"{i}.5,{cell}\n" for i, cell in enumerate(cells))


@pytest.mark.parametrize(
    ("cells", "options", "classes"),
    [
        (["no", "yes"] * 10, {}, ("no", "yes")),
        ([2, 10, 1] * 10, {}, ("1", "2", "10")),
        (["1.0", "0"] * 10, {}, ("0", "1")),
        (["-0", "0", "1"] * 10, {}, ("0", "1")),
        ([0.5, 1.5] * 10, {}, None),
        (list(range(30)), {}, None),
        ([*range(20)] * 5, {}, tuple(map(str, range(20)))),
        ([*range(21)] * 5, {}, None),
        ([0, 1, 2] * 4, {}, None),  # four rows for each integer
        ([0, 1] * 10, {"task": "regression"}, None),
        ([0.5, 1.5] * 10, {"task": "classification"}, ("0.5", "1.5")),
    ],
)
def test_the_task(tmp_path: Path, cells: list[Any], options: Any, classes: Any) -> None:
    target = samples(tmp_path, rows(cells), **options).encoding.target
    assert (target.values if isinstance(target, Categories) else None) == classes


def test_only_training_rows_standardise(tmp_path: Path) -> None:
    got = samples(tmp_path, rows([i * 1.5 for i in range(40)]))
    assert len(got.X) == 30
    assert len(got.X_held_out) == 10
    for values in (got.X.astype(np.float64), got.Y.astype(np.float64)):
        assert abs(values.mean()) < 1e-6  # 30 roundings of float32, each within 6e-8
        assert abs(values.std() - 1) < 1e-6
    assert got.Y.dtype == np.float32
    number = got.encoding.target
    everything = np.sort(np.concatenate([got.Y, got.Y_held_out]) * number.std + number.mean)
    assert np.allclose(everything, np.arange(40) * 1.5, atol=1e-5)


@pytest.mark.parametrize(
    ("content", "options", "complaint"),
    [
        (rows([0, 1] * 5), {"target": None}, r"--target has to name .* of 'x', 'y'$"),
        (rows([0, 1] * 5), {"target": "z"}, "no column 'z', only 'x', 'y'"),
        (rows([0, 1] * 5), {"drop": ["z"]}, "no column 'z'"),
        (rows([0, 1] * 5), {"drop": ["y"]}, "leaves out the target 'y'"),
        (rows([0, 1] * 5), {"drop": ["x"]}, "no column to learn from"),
        (rows([0, 1] * 4), {}, "got 8 rows, expected at least 10"),
        (rows(["a"] * 10), {}, "column 'y': every row is 'a', expected two classes"),
        (rows([3] * 10), {}, "column 'y': every row is '3', expected two classes"),
        (rows([0.25] * 10), {}, "column 'y': every row is 0.25, there is nothing to learn"),
        (rows([f"t{i}" for i in range(10)]), {}, "each class has one row, expected two"),
        (rows([f"t{i}" for i in range(1001)]), {}, "1,001 different values, at most 1,000"),
        (rows(["a", "b"] * 5), {"task": "regression"}, "'a' is text, expected a number"),
        (rows([1, 2, "", *range(9)]), {}, r"line 4 \(row 3\), column 'y': '' is a missing cell"),
    ],
)
def test_what_cannot_be_learned(tmp_path: Path, content: str, options: Any, complaint: str) -> None:
    with pytest.raises(TableError, match=complaint):
        samples(tmp_path, content, **options)


def test_a_dropped_column_is_not_looked_at(tmp_path: Path) -> None:
    content = rows(["a", "b"] * 10).replace("0.5", "", 1)
    wider = "".join(f"{line},1\n" for line in content.splitlines()).replace("x,y,1", "x,y,z")
    assert samples(tmp_path, wider, drop=["x"]).X.shape == (15, 1)


def test_digits_are_moved_by_a_pixel() -> None:
    got = digit_samples(held_out=0.25, seed=0, dtype="float64")
    assert got.X.shape == (5 * 1348, 64)
    assert got.X_held_out.shape == (449, 64)
    scale = got.encoding.columns[0]
    assert isinstance(scale, Number)
    images = np.rint(got.X * scale.std + scale.mean).reshape(5, 1348, 8, 8)
    plain, right, left, down, up = images
    assert (right[:, :, 1:] == plain[:, :, :-1]).all()
    assert (left[:, :, :-1] == plain[:, :, 1:]).all()
    assert (down[:, 1:] == plain[:, :-1]).all()
    assert (up[:, :-1] == plain[:, 1:]).all()
    assert (right[:, :, 0] == 0).all()
    assert (got.Y.reshape(5, 1348) == got.Y[:1348]).all()
