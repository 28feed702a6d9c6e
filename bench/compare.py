"""Compare: one match per workload, rosenblatt against everybody, and the figures it makes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from .libraries import OWN, OWN_AVX2, OWN_ONE_THREAD, Entry
from .match import Player, Rules, Score, play
from .measure import spread
from .peak import Peak, best
from .workloads import Workload

Say = Callable[[str], None]


def entries(
    alternatives: Sequence[Entry], threads: int, isas: Sequence[str], say: Say
) -> list[Entry]:
    """Return rosenblatt in its forms, and the alternatives whose packages are installed."""
    own = [OWN]
    if threads > 1:
        own.append(OWN_ONE_THREAD)
    elif "avx2" in isas:
        own.append(OWN_AVX2)
    return [*own, *installed(alternatives, say)]


def installed(alternatives: Sequence[Entry], say: Say) -> list[Entry]:
    """Return those whose packages are installed, and say who is missing."""
    for alternative in alternatives:
        if alternative.missing:
            say(f"{alternative.label}: skipped, {' and '.join(alternative.missing)} not installed")
    return [alternative for alternative in alternatives if not alternative.missing]


def is_quick(workload: Workload) -> bool:
    """Return whether a step takes seconds at most on any machine."""
    return workload.multiply_adds < 1e10


def shortened(workload: Workload) -> Workload:
    """Return the workload with at most four batches, for a quick look that everything runs."""
    return replace(workload, rows=min(workload.rows, 4 * workload.batch))


def compare(
    workload: Workload, everybody: Sequence[Entry], rules: Rules, peak: Peak | None, say: Say
) -> dict[str, Any]:
    """Play one match and return its figures; the first of everybody is rosenblatt."""
    say(f"{workload.name}, {workload.dtype}, threads: {len(rules.cores)}")
    players = [Player(who, workload) for who in everybody if workload.kind in who.kinds]
    scores, peaks = play(players, rules, peak, say)
    rates = {kind: [one[kind] for one in peaks] for kind in (peaks[0] if peaks else {})}
    medians = {kind: spread(values).median for kind, values in rates.items()}
    own = scores[0]  # rosenblatt comes first
    figures = {
        player.entry.name: figures_of(workload, player, score, own, medians)
        for player, score in zip(players, scores, strict=True)
        if not score.unsuitable
    }
    for figure in figures.values():
        say("  " + line(figure))
    return {
        "workload": workload.as_json(),
        "steps": workload.steps,
        "multiply_adds": workload.multiply_adds,
        "rounds": max(len(score.seconds) for score in scores),
        "seconds": rules.seconds,
        "peak": {kind: spread(values).as_json() for kind, values in rates.items()},
        "entries": figures,
    }


def figures_of(
    workload: Workload, player: Player, score: Score, own: Score, peak: dict[str, float]
) -> dict[str, Any]:
    """Return the figures of one entry; of one that failed, the reason."""
    who = player.entry
    figure: dict[str, Any] = {"label": who.label, "own": who.own}
    if score.failure is not None or not score.seconds:
        return {**figure, "failure": score.failure or "no round was played"}
    step = spread(score.seconds)
    gflops = workload.flops / step.median * 1e-9
    limit = best(peak, workload.dtype)
    if who.environment.get("ROSENBLATT_ISA") == "avx2":
        limit = peak.get(f"256 {workload.dtype}")
    elif who.threads is not None:
        limit = None  # the peak was measured with more threads
    figure |= {
        "seconds": step.as_json(),
        "samples_per_second": workload.batch / step.median,
        "gflops": gflops,
        "share": gflops / limit if limit else None,
        "ran": spread(score.ran).median,
        "repeated": score.repeated,
        "memory": score.memory,
    }
    if own.failure is None and own.seconds:
        # Round by round, for the spread; the ratio that is reported is that of the medians.
        pairs = [theirs / ours for theirs, ours in zip(score.seconds, own.seconds, strict=False)]
        figure["ratio"] = {
            **spread(pairs).as_json(),
            "median": step.median / spread(own.seconds).median,
        }
    return figure


def line(figure: dict[str, Any]) -> str:
    """Return one entry's figures as a line of text."""
    if "failure" in figure:
        return f"{figure['label']:<28} failed: {figure['failure']}"
    seconds = figure["seconds"]
    text = f"{figure['label']:<28}{1e6 * seconds['median']:12.3f} µs per step"
    text += f"  ({1e6 * seconds['low']:.3f} to {1e6 * seconds['high']:.3f})"
    text += f"{figure['gflops']:10.2f} GFLOP/s"
    if figure["share"] is not None:
        text += f"{figure['share']:7.1%} of the peak"
    if "ratio" in figure and not figure["own"]:
        text += f"{figure['ratio']['median']:9.2f} × rosenblatt's time"
    return text
