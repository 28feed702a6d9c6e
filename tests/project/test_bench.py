"""The benchmark: no setting holds a library back, and the page is made from the figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

ROOT = Path(__file__).resolve().parents[2]

# Settings that make a library choose other kernels than those that are best for the processor.
SETTINGS = {
    "ATEN_CPU_CAPABILITY": "default",
    "DNNL_MAX_CPU_ISA": "SSE41",
    "MKL_CBWR": "COMPATIBLE",
    "MKL_DEBUG_CPU_TYPE": "5",
    "MKL_ENABLE_INSTRUCTIONS": "SSE4_2",
    "NPY_DISABLE_CPU_FEATURES": "AVX2",
    "ONEDNN_MAX_CPU_ISA": "SSE41",
    "OPENBLAS_CORETYPE": "Haswell",
    "OPENBLAS_L2_SIZE": "512",
    "OPENBLAS_VERBOSE": "2",
    "ROSENBLATT_ISA": "baseline",
    "TF_ENABLE_ONEDNN_OPTS": "0",
}
THREADS = ("MKL_NUM_THREADS", "OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS")


@pytest.fixture(autouse=True)
def from_the_checkout(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(ROOT))


def test_a_worker_inherits_no_setting_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    from bench.libraries import OWN, OWN_AVX2, OWN_ONE_THREAD
    from bench.match import Player, Rules, environment
    from bench.workloads import WORKLOADS

    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.setenv("SOMETHING_ELSE", "stays")
    rules = Rules(1, 0.01, frozenset({0, 1}))
    plain, avx2, single = (
        environment(Player(who, WORKLOADS[0]), rules) for who in (OWN, OWN_AVX2, OWN_ONE_THREAD)
    )
    assert SETTINGS.keys().isdisjoint(plain)
    assert plain["SOMETHING_ELSE"] == "stays"
    assert avx2["ROSENBLATT_ISA"] == "avx2"
    assert [plain[name] for name in THREADS] == ["2"] * 3
    assert [single[name] for name in THREADS] == ["1"] * 3


def test_the_page_is_what_the_figures_make(tmp_path: Path) -> None:
    from bench.report import write_report

    docs = ROOT / "docs"
    data = json.loads((docs / "performance.json").read_text(encoding="utf-8"))
    written = write_report(data, tmp_path).read_text(encoding="utf-8")
    page = (docs / "performance.md").read_text(encoding="utf-8")
    assert written == page, "run python -m bench report --output docs"


def test_a_whole_run_is_judged_by_steps_of_adam() -> None:
    from bench.judge import Judge
    from bench.libraries.rosenblatt import open_runner
    from bench.workloads import RUNS

    for workload in RUNS:
        judge = Judge(workload, 3)
        result = open_runner("", workload, 1).result(3)
        assert all(verdict.agrees for verdict in judge.verdicts(result))
        without_correction = result + workload.learning_rate * np.sign(result - judge._first)
        assert not judge.verdicts(without_correction)[0].agrees


def test_a_judge_leaves_a_slope_open_that_rounding_decides() -> None:
    """One z of this workload is 10^-7 from 0, where float32 and float64 do not agree on relu'."""
    from bench.growth import network
    from bench.judge import Judge
    from bench.libraries.rosenblatt import open_runner

    workload = network("150-150-150-10 batch 101", [150, 150, 150, 10], 101)
    judge = Judge(workload, 3)
    result = open_runner("", workload, 1).result(3)
    assert all(verdict.agrees for verdict in judge.verdicts(result))
    wrong = result + 0.01 * (result - judge._first)
    assert not judge.verdicts(wrong)[0].agrees


def test_the_page_compares_whole_runs_with_plain_steps() -> None:
    from bench.libraries import ALTERNATIVES, OWN_RUN, RUN_ALTERNATIVES, SAME_LIBRARY
    from bench.report import runs
    from bench.workloads import PLAIN, RUNS, WORKLOADS

    assert {PLAIN[one.name] for one in RUNS} <= {one.name for one in WORKLOADS}
    assert {SAME_LIBRARY[one.name] for one in RUN_ALTERNATIVES} <= {
        one.name for one in ALTERNATIVES
    }

    def entry(label: str, seconds: float, ratio: float, *, own: bool = False) -> dict[str, Any]:
        spread = {"median": ratio, "low": ratio, "high": ratio}
        return {"label": label, "own": own, "seconds": {"median": seconds}, "ratio": spread}

    match = {
        "workload": {"name": RUNS[0].name},
        "steps": 44,
        "entries": {
            OWN_RUN.name: entry("rosenblatt", 1e-5, 1, own=True),
            "jax-run": entry("JAX", 3e-5, 3),
        },
    }
    steps = {
        "workload": {"name": PLAIN[RUNS[0].name]},
        "entries": {"jax": entry("JAX", 1, 2)},
    }
    section = {"dtype": "float32", "threads": 1, "matches": [steps]}
    data = {"runs": {"figures": [match]}, "comparisons": {"float32 1": section}}
    page = "\n".join(runs(data))
    assert f"| {RUNS[0].name}, JAX | 0.440 | 1.32 | 3.00 | 3.00 to 3.00 | 2.00 |" in page


def test_estimators_are_timed_at_the_same_work(tmp_path: Path) -> None:
    """A smoke run: the losses of both agree, and a table comes of it."""
    pytest.importorskip("sklearn")
    from bench.__main__ import main
    from bench.report import estimators

    arguments = ["sklearn", "--quick", "--rounds", "1", "--only", "diabetes"]
    assert main([*arguments, "--output", str(tmp_path)]) == 0
    data = json.loads((tmp_path / "performance.json").read_text(encoding="utf-8"))
    figures = data["sklearn"]
    assert [one["solver"] for one in figures["figures"]] == ["sgd", "adam", "lbfgs"]
    assert all(one["ratio"]["median"] > 0 for one in figures["figures"])
    assert "\n".join(estimators(data)).count("| diabetes |") == 3
