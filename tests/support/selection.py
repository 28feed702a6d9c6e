"""Which tests run: the quick selection of --thin, and the reasons for which CI accepts a skip."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence

import pytest

# --thin leaves these files and functions out, because a few tests of theirs take many seconds.
SLOW = {
    "test_allocation": "counts the allocations of other processes",
    "test_bench": "runs the benchmarks",
    "test_interrupt": "waits for the moment to press Ctrl-C",
    "test_neon": "compiles the core for arm64",
    "test_oversubscription": "keeps every core busy",
    "test_playground_browser": "starts a browser",
    "test_selection": "runs pytest in other processes",
    "test_site": "builds the site",
    "test_the_pictures_of_the_page_are_those_its_code_draws": "draws every picture of the page",
    "test_a_warm_start_keeps_the_better_of_both_fits": "fits many estimators",
    "test_a_rare_class_is_learnt": "fits many estimators",
    "test_an_exit_while_a_daemon_thread_computes_has_status_0": "starts many processes",
    "test_full_rows_are_never_made": "trains on a large sparse matrix",
    "test_one_thread_in_a_worker": "starts a pool of processes",
    "test_control_c_ends_it": "waits for the moment to press Ctrl-C",
    "test_a_run_killed_at_any_moment_resumes_identically": "kills many processes",
    "test_the_noise_is_normal_and_never_the_same": "draws millions of numbers",
    "test_the_masks_are_fair_and_differ": "draws millions of numbers",
}

# In CI a skip fails unless its reason contains one of these texts.
MAY_SKIP = {
    "no file system can be mounted here": "containers usually may not mount anything",
    "compares arm64 with x86-64": "CI may run on arm64",
    "does not have a decision_function method": "one of scikit-learn's checks is for those that do",
}

IN_CI = bool(os.environ.get("CI"))


def thin(items: Sequence[pytest.Item], k: int) -> list[pytest.Item]:
    """Return at most k evenly spaced cases of every test function that is not slow."""
    cases: dict[str, list[pytest.Item]] = defaultdict(list)
    for item in items:
        function = item.nodeid.partition("[")[0]
        if not SLOW.keys() & {item.path.stem, function.rpartition("::")[2]}:
            cases[function].append(item)
    return [item for group in cases.values() for item in evenly_spaced(group, k)]


def evenly_spaced(group: list[pytest.Item], k: int) -> list[pytest.Item]:
    """Return k items of the group, from the first one to the last one, or all of fewer."""
    n = len(group)
    if n <= k:
        return group
    return [group[i * (n - 1) // max(k - 1, 1)] for i in range(k)]


def fail_if_unexpected(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Make the report of a skip a failure, if this is CI and the reason is not a known one."""
    if not (IN_CI and report.skipped) or hasattr(report, "wasxfail"):
        return
    reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    if not any(text in reason for text in MAY_SKIP):
        report.outcome = "failed"
        report.longrepr = f"CI does not accept this skip: {reason}\nSee MAY_SKIP in {__file__}."
