"""The benchmark: no setting holds a library back, and the page is made from the figures."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent

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
    from bench.match import Player, Rules, environment
    from bench.rivals import OWN, OWN_AVX2, OWN_ONE_THREAD
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
