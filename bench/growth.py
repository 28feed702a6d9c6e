"""Growth: time per step over width, depth and batch, and sizes beside their neighbours."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .libraries import OWN, Entry
from .match import Player, Rules, play
from .measure import cores_for, spread
from .workloads import Workload

Say = Callable[[str], None]

# Some 4,096 rows, so that an epoch is worth its call; fewer where an epoch had more multiply-adds
# than a tenth of a second is worth, and not fewer than four batches.
ROWS = 4096
EPOCH_MULTIPLY_ADDS = 5e9
SMALLEST_EPOCH = 4

# The learning rate times the widest layer, from 64 units on. The steps of wide layers stay small
# enough to converge; and what one unit at relu's kink adds to a step, which rounding may switch on
# or off, stays below what the judge allows for rounding.
RATE_TIMES_WIDTH = 0.64

WIDTHS = (4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)
DEPTHS = (1, 2, 4, 8, 16, 32, 64)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 1024, 2048)

# Neighbours: powers of two, the primes beside them, one above a multiple of any register or tile.
# The cost per multiply-add of each is compared with the median of its group.
NEIGHBOURS = (
    (65, 67, 70, 72, 73),
    (95, 96, 97, 100, 101),
    (126, 127, 128, 129, 131),
    (192, 193, 197, 200),
    (250, 251, 255, 256, 257),
    (448, 449, 456, 457),
    (504, 505, 509, 511, 512, 513),
    (1000, 1021, 1024, 1025, 1031),
)
LARGEST_BATCH_OR_SIDE = 513  # of one side alone the groups up to here

# What "no cliffs" means, above 64 units.
NEIGHBOUR_LIMIT = 1.3
DENORMAL_LIMIT = 2.0


@dataclass(frozen=True)
class Curve:
    """One quantity that grows, and the workload at each of its values."""

    name: str
    values: tuple[int, ...]
    workload: Callable[[int], Workload]


def network(name: str, layers: Sequence[int], batch: int, denormal_every: int = 0) -> Workload:
    one = Workload(name, tuple(layers), rows=batch, batch=batch)
    affordable = int(EPOCH_MULTIPLY_ADDS / one.multiply_adds)
    return Workload(
        name,
        tuple(layers),
        rows=batch * max(SMALLEST_EPOCH, min(ROWS // batch, affordable)),
        batch=batch,
        learning_rate=RATE_TIMES_WIDTH / max(64, *layers),
        denormal_every=denormal_every,
    )


CURVES = (
    Curve("width", WIDTHS, lambda n: network(f"{n}-{n}-{n}-10 batch 64", [n, n, n, 10], 64)),
    Curve("depth", DEPTHS, lambda n: network(f"{n} × 64 batch 32", [64, *[64] * n, 10], 32)),
    Curve("batch", BATCHES, lambda n: network(f"256-256-10 batch {n}", [256, 256, 10], n)),
)

# The other sizes of the networks below are neither powers of two nor multiples of a register.
SIDES: dict[str, Callable[[int], Workload]] = {
    "all layers": lambda n: network(f"{n}-{n}-{n}-{n} batch 100", [n, n, n, n], 100),
    "inputs": lambda n: network(f"{n}-150-10 batch 100", [n, 150, 10], 100),
    "hidden units": lambda n: network(f"150-{n}-{n}-10 batch 100", [150, n, n, 10], 100),
    "outputs": lambda n: network(f"150-150-{n} batch 100", [150, 150, n], 100),
    "batch": lambda n: network(f"150-150-150-10 batch {n}", [150, 150, 150, 10], n),
}

DENORMALS = ((784, 128, 10), (200, 200, 200, 10), (1000, 64, 2))


def measure_growth(
    alternatives: Sequence[Entry], rounds: int, seconds: float, quick: bool, say: Say
) -> dict[str, Any]:
    """Return the curves, the neighbours and the rows of denormals."""
    rules = Rules(rounds, seconds, frozenset(cores_for(1)))
    everybody = [OWN, *(alternative for alternative in alternatives if not alternative.missing)]
    curves = CURVES if not quick else tuple(Curve(c.name, c.values[:2], c.workload) for c in CURVES)
    groups = NEIGHBOURS[:1] if quick else NEIGHBOURS
    return {
        "rounds": rounds,
        "curves": [curve_figures(curve, everybody, rules, say) for curve in curves],
        "neighbours": [
            figures
            for side, workload in SIDES.items()
            for group in groups
            if side == "all layers" or group[-1] <= LARGEST_BATCH_OR_SIDE
            for figures in [neighbour_figures(side, group, workload, rules, say)]
        ],
        "denormals": [
            denormal_figures(layers, rules, say) for layers in DENORMALS[: 1 if quick else None]
        ],
    }


def curve_figures(
    curve: Curve, everybody: Sequence[Entry], rules: Rules, say: Say
) -> dict[str, Any]:
    """Return seconds per step of everybody at each value, in a match for each value."""
    points = []
    for value in curve.values:
        workload = curve.workload(value)
        scores, _ = play([Player(who, workload) for who in everybody], rules, None, say)
        seconds = {
            who.name: spread(score.seconds).as_json()
            for who, score in zip(everybody, scores, strict=True)
            if score.failure is None
        }
        points.append({"value": value, "multiply_adds": workload.multiply_adds, "seconds": seconds})
        times = ", ".join(f"{who} {1e6 * one['median']:.2f} µs" for who, one in seconds.items())
        say(f"  {curve.name} {value}: {times}")
    return {
        "name": curve.name,
        "labels": {who.name: who.label for who in everybody},
        "points": points,
    }


def neighbour_figures(
    side: str, group: Sequence[int], workload: Callable[[int], Workload], rules: Rules, say: Say
) -> dict[str, Any]:
    """Return seconds per multiply-add at each size of a group, which play against each other."""
    workloads = [workload(size) for size in group]
    costs = costs_of(workloads, rules, say)
    middle = spread([cost for cost in costs if cost is not None] or [float("nan")]).median
    sizes = [
        {"size": size, "cost": cost, "relative": None if cost is None else cost / middle}
        for size, cost in zip(group, costs, strict=True)
    ]
    relative = ", ".join(f"{one['size']}: {one['relative'] or float('nan'):.2f}" for one in sizes)
    say(f"  {side} {relative}")
    return {"side": side, "sizes": sizes}


def denormal_figures(layers: tuple[int, ...], rules: Rules, say: Say) -> dict[str, Any]:
    """Return the cost with rows of denormals, all or every eighth, relative to ordinary ones."""
    name = "-".join(str(width) for width in layers)
    workloads = [
        network(f"{name} batch 32, denormal rows: 1 of {every}", layers, 32, every)
        for every in (0, 8, 1)
    ]
    ordinary, some, every = costs_of(workloads, rules, say)
    figures = {
        "layers": list(layers),
        "every eighth row": some / ordinary if some and ordinary else None,
        "all rows": every / ordinary if every and ordinary else None,
    }
    say(f"  denormals {figures}")
    return figures


def costs_of(workloads: Sequence[Workload], rules: Rules, say: Say) -> list[float | None]:
    """Return the median seconds per multiply-add of rosenblatt with each workload, in one match."""
    scores, _ = play([Player(OWN, workload) for workload in workloads], rules, None, say)
    return [
        None if score.failure else spread(score.seconds).median / workload.multiply_adds
        for score, workload in zip(scores, workloads, strict=True)
    ]
