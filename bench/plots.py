"""Plots: performance.png, times beside rosenblatt's; growth.png, the cliffs; roofline.png."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .growth import NEIGHBOUR_LIMIT
from .measure import spread

Say = Callable[[str], None]

# Okabe and Ito's colours, told apart by colour-blind readers, and a shape for each as well.
STYLES = {
    "rosenblatt": ("#000000", "o"),
    "numpy": ("#0072B2", "s"),
    "pytorch-eager": ("#D55E00", "^"),
    "pytorch-by-hand": ("#D55E00", "v"),
    "pytorch-compile": ("#D55E00", "<"),
    "jax": ("#009E73", "D"),
    "tensorflow": ("#E69F00", "P"),
    "scikit-learn": ("#56B4E9", "X"),
    "scikit-learn-sgd": ("#56B4E9", "*"),
    "onnxruntime": ("#CC79A7", "h"),
    "onnxruntime-bound": ("#CC79A7", "d"),
}
DPI = 130
ROW_HEIGHT = 0.8  # of a row, what the alternatives' marks share


def drawing(say: Say) -> Any:
    """Return matplotlib's pyplot without a display; None, with a word, where it is missing."""
    try:
        import matplotlib as mpl
    except ImportError:
        say("no plots: matplotlib is not installed")
        return None
    mpl.use("Agg")
    from matplotlib import pyplot

    pyplot.rcParams.update({"font.size": 9, "axes.spines.top": False, "axes.spines.right": False})
    return pyplot


def matches_of(data: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the main comparison's matches: float32, one thread, or what there is."""
    sections = data.get("comparisons", {})
    section: dict[str, Any] = sections.get("float32 1") or next(iter(sections.values()), {})
    return [match for match in section.get("matches", []) if "rosenblatt" in timed(match)]


def timed(match: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """Return the entries of a match that have a time."""
    return {name: one for name, one in match["entries"].items() if "seconds" in one}


def plot_performance(data: dict[str, Any], folder: Path, say: Say) -> None:
    """Draw one row per workload: relative times to the left, the share of the peak to the right."""
    matches = matches_of(data)
    pyplot = drawing(say) if matches else None
    if pyplot is None:
        return
    from matplotlib import ticker

    figure, (times, shares) = pyplot.subplots(
        1,
        2,
        figsize=(10.5, 1.9 + 0.5 * len(matches)),
        sharey=True,
        width_ratios=(3, 1),
        layout="constrained",
    )
    rows = range(len(matches))
    present = [
        name
        for name in STYLES
        if any(name in timed(match) and not timed(match)[name]["own"] for match in matches)
    ]
    for row, match in zip(rows, matches, strict=True):
        for place, name in enumerate(present):
            if name in timed(match):
                # A place of its own within the row: many of them cost nearly the same.
                height = row + ROW_HEIGHT * ((place + 0.5) / len(present) - 0.5)
                draw_ratio(times, height, name, timed(match)[name])
        if row % 2 == 0:
            times.axhspan(row - 0.5, row + 0.5, color="#f4f4f4", zorder=0)
        share = match["entries"]["rosenblatt"]["share"]
        if share is not None:
            shares.barh(row, 100 * share, height=0.55, color="#4d4d4d")
            shares.text(100 * share + 2, row, f"{100 * share:.0f}", va="center", fontsize=8)
    times.axvline(1, color="black", linewidth=1)
    times.set_xscale("log")
    times.xaxis.set_major_locator(ticker.LogLocator(subs=(1, 2, 5)))
    times.xaxis.set_minor_locator(ticker.NullLocator())
    times.xaxis.set_major_formatter("{x:g}")
    times.set_xlabel("time relative to rosenblatt's (1 is as fast, right of it is slower)")
    times.set_yticks(list(rows), [match["workload"]["name"] for match in matches])
    times.set_ylim(len(matches) - 0.5, -0.5)
    times.grid(axis="x", which="major", color="#dddddd")
    times.set_axisbelow(True)
    shares.set_xlim(0, 112)
    shares.set_xlabel("rosenblatt's share of the\nFMA peak, %")
    shares.tick_params(axis="y", length=0)
    handles, labels = times.get_legend_handles_labels()
    unique = dict(zip(labels, handles, strict=True))
    figure.legend(
        unique.values(), unique.keys(), loc="outside lower center", ncols=5, frameon=False
    )
    save(pyplot, figure, folder / "performance.png", say)


def draw_ratio(axes: Any, height: float, name: str, one: dict[str, Any]) -> None:
    """Draw an alternative's time relative to rosenblatt's, with its quartiles over the rounds."""
    colour, marker = STYLES.get(name, ("#777777", "o"))
    ratio = one["ratio"]
    axes.plot([ratio["low"], ratio["high"]], [height, height], color=colour, linewidth=1)
    axes.plot(ratio["median"], height, marker, color=colour, markersize=5, label=one["label"])


def plot_growth(data: dict[str, Any], folder: Path, say: Say) -> None:
    """Draw the three curves on logarithmic axes, and each size's cost beside its neighbours'."""
    growth = data.get("growth", {}).get("figures")
    pyplot = drawing(say) if growth else None
    if pyplot is None:
        return
    figure, axes = pyplot.subplots(2, 3, figsize=(11, 6.6), layout="constrained")
    grid = axes[1, 0].get_gridspec()
    for one in axes[1]:
        one.remove()
    titles = {
        "width": "n-n-n-10, batch 64",
        "depth": "n layers of 64, batch 32",
        "batch": "256-256-10, batch n",
    }
    for panel, curve in zip(axes[0], growth["curves"], strict=True):
        draw_curve(panel, curve, titles[curve["name"]])
    axes[0, 0].set_ylabel("time per step, µs")
    axes[0, 0].legend(frameon=False)
    draw_neighbours(figure.add_subplot(grid[1, :]), growth)
    save(pyplot, figure, folder / "growth.png", say)


def draw_curve(panel: Any, curve: dict[str, Any], title: str) -> None:
    for name, label in curve["labels"].items():
        points = [one for one in curve["points"] if name in one["seconds"]]
        colour, marker = STYLES.get(name, ("#777777", "o"))
        panel.plot(
            [one["value"] for one in points],
            [1e6 * one["seconds"][name]["median"] for one in points],
            marker + "-",
            color=colour,
            label=label,
            markersize=4,
            linewidth=1.2,
        )
    panel.set_xscale("log", base=2)
    panel.set_yscale("log")
    panel.xaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_major_formatter("{x:g}")
    panel.yaxis.set_minor_formatter("")
    panel.set_title(title, fontsize=9)
    panel.set_xlabel(curve["name"])
    panel.grid(which="major", color="#dddddd")
    panel.set_axisbelow(True)


def draw_neighbours(panel: Any, growth: dict[str, Any]) -> None:
    """Draw relative costs in the order of the sizes, a colour for each side that varies."""
    sizes = sorted({one["size"] for group in growth["neighbours"] for one in group["sizes"]})
    place = {size: i for i, size in enumerate(sizes)}
    colours = dict(
        zip(
            dict.fromkeys(group["side"] for group in growth["neighbours"]),
            ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7"),
            strict=False,
        )
    )
    labelled = set()
    for group in growth["neighbours"]:
        side = group["side"]
        points = [one for one in group["sizes"] if one["relative"] is not None]
        panel.plot(
            [place[one["size"]] for one in points],
            [one["relative"] for one in points],
            "o-",
            color=colours[side],
            markersize=4,
            linewidth=0.8,
            label=None if side in labelled else side,
        )
        labelled.add(side)
    panel.axhline(NEIGHBOUR_LIMIT, color="#aa0000", linewidth=0.8, linestyle="--")
    panel.axhline(1, color="#999999", linewidth=0.6)
    panel.set_xticks(range(len(sizes)), [str(size) for size in sizes], rotation=90, fontsize=7)
    highest = max(panel.get_ylim()[1], NEIGHBOUR_LIMIT)
    panel.set_ylim(min(panel.get_ylim()[0], 0.8), highest + 0.12)  # the legend's place
    panel.set_ylabel("cost per multiply-add\nbeside the neighbours' median")
    panel.set_xlabel(f"size of the side that varies (the limit is {NEIGHBOUR_LIMIT})")
    panel.legend(frameon=False, ncols=5, loc="upper left")


def plot_roofline(data: dict[str, Any], folder: Path, say: Say) -> None:
    """Draw the products of kernels.py under the roofs of this machine, in float32.

    To the left a layer's forward pass, to the right its training step. A number beside a dot says
    which shape it is, the colour where its operands fit.
    """
    figures = data.get("kernels", {}).get("figures", {})
    rows = [row for row in figures.get("products", []) if drawn(row)]
    pyplot = drawing(say) if rows and figures.get("bandwidths") else None
    if pyplot is None:
        return
    figure, axes = pyplot.subplots(1, 2, figsize=(11, 5.4), sharey=True, layout="constrained")
    shapes = list(dict.fromkeys(tuple(row["shape"]) for row in rows))
    low = min(row["multiply_adds_per_byte"] for row in rows) / 1.6
    high = max(row["multiply_adds_per_byte"] for row in rows) * 1.6
    peak = spread([row["peak"] for row in rows]).median
    for panel in axes:
        panel.set_xscale("log")
        panel.set_yscale("log")
        panel.set_xlim(low, high)
        panel.set_ylim(min(row["gflops"] for row in rows) / 1.8, peak * 2.2)
        panel.xaxis.set_major_formatter("{x:g}")
        panel.yaxis.set_major_formatter("{x:g}")
        panel.grid(which="major", color="#e5e5e5")
        panel.set_axisbelow(True)
        panel.set_xlabel("multiply-adds per byte of the operands")
    axes[0].set_title("forward pass of one layer", fontsize=9)
    axes[1].set_title("training step of one layer", fontsize=9)
    axes[0].set_ylabel("GFLOP/s, float32, one thread")
    names = [f"{i}:  {n:,} × {n_in:,} → {n_out:,}" for i, (n, n_in, n_out) in enumerate(shapes, 1)]
    lines = [pyplot.Line2D([], [], linestyle="none") for _ in names]
    figure.legend(
        lines,
        names,
        loc="outside right center",
        frameon=False,
        fontsize=8,
        handlelength=0,
        title="rows × inputs → outputs",
    )
    levels = [
        pyplot.Line2D([], [], marker="o", linestyle="none", color=colour, label=level)
        for level, colour in LEVEL_COLOURS.items()
        if level in figures["bandwidths"]
    ]
    figure.legend(
        handles=levels,
        loc="outside lower center",
        ncols=4,
        frameon=False,
        title="where the operands of a product fit",
    )
    figure.draw_without_rendering()  # the axes have their places now, the roofs their slopes
    for panel, what in zip(axes, ("forward", "step"), strict=True):
        roofs = draw_roofs(panel, figures["bandwidths"], peak)
        points = [
            (row, str(shapes.index(tuple(row["shape"])) + 1)) for row in rows if row["what"] == what
        ]
        draw_products(panel, points, figures["bandwidths"], roofs)
    save(pyplot, figure, folder / "roofline.png", say)


# The operands of a product lie at best in the smallest of these that holds them.
LEVEL_COLOURS = {"L1": "#009E73", "L2": "#0072B2", "L3": "#E69F00", "memory": "#D55E00"}

# One that lies on another: 256 × 256 × 256.
NOT_DRAWN = ((257, 255, 253),)


def drawn(row: dict[str, Any]) -> bool:
    """Return whether a product is a point of the roofline."""
    complete = row.get("peak") is not None and "multiply_adds_per_byte" in row
    return complete and row["dtype"] == "float32" and tuple(row["shape"]) not in NOT_DRAWN


def level_of(row: dict[str, Any], bandwidths: dict[str, Any]) -> str:
    """Return the smallest cache that holds the operands of a product, or "memory"."""
    fitting = [
        level
        for level, one in bandwidths.items()
        if one["cache_bytes"] is not None and row["bytes"] <= one["cache_bytes"]
    ]
    return fitting[0] if fitting else "memory"


NUMBER_SIZE = 10.0  # points from the middle of a number to that of a dot or another number
ROOF_SIZE = 6.0  # and to a roof
N_ROOF = 100  # points along a roof
LINES_APART = 1.5  # as a ratio of bandwidths: room for words between two lines

# Where the number of a dot may stand, in points from its middle, the nearest first.
PLACES = tuple(
    (round(distance * math.cos(angle)), round(distance * math.sin(angle)))
    for distance in (10, 15, 21, 27)
    for angle in (math.radians(degrees) for degrees in range(-90, 270, 30))
)


def draw_products(
    panel: Any,
    points: list[tuple[dict[str, Any], str]],
    bandwidths: dict[str, Any],
    roofs: list[tuple[float, float]],
) -> None:
    """Draw dots, and each one's number in the first place that no dot, number or roof takes."""
    points_per_pixel = 72 / panel.figure.dpi
    dots = [(row["multiply_adds_per_byte"], row["gflops"]) for row, _ in points]
    middles = panel.transData.transform(dots) * points_per_pixel
    taken = [(x, y, NUMBER_SIZE) for x, y in middles]
    taken += [(x, y, ROOF_SIZE) for x, y in panel.transData.transform(roofs) * points_per_pixel]
    for (row, number), dot, middle in zip(points, dots, middles, strict=True):
        colour = LEVEL_COLOURS[level_of(row, bandwidths)]
        panel.plot(*dot, "o", color=colour, markersize=6, markeredgecolor="white", zorder=3)
        place = next(
            (
                one
                for one in PLACES
                if all(
                    math.hypot(middle[0] + one[0] - x, middle[1] + one[1] - y) >= size
                    for x, y, size in taken
                )
            ),
            PLACES[0],
        )
        taken.append((middle[0] + place[0], middle[1] + place[1], NUMBER_SIZE))
        panel.annotate(
            number,
            dot,
            xytext=place,
            textcoords="offset points",
            ha="center",
            va="center",
            fontsize=8,
            color=colour,
            zorder=4,
        )


def draw_roofs(panel: Any, bandwidths: dict[str, Any], peak: float) -> list[tuple[float, float]]:
    """Draw the peak, and up to it a line for each level: two operations per multiply-add.

    Returns points along them, close enough for no number to slip through.
    """
    points = []
    low, high = panel.get_xlim()
    lowest = panel.get_ylim()[0]
    above = math.inf  # the rate of the line before
    for level, one in bandwidths.items():
        rate = one["gb_per_s"]["median"]
        corner = peak / (2 * rate)
        begin = max(low, lowest / (2 * rate))
        ends = [(begin, 2 * rate * begin), (corner, peak)]
        panel.plot(*zip(*ends, strict=True), color=LEVEL_COLOURS[level], linewidth=1.2)
        points += [
            (x, 2 * rate * x)
            for x in (begin * (corner / begin) ** (i / N_ROOF) for i in range(N_ROOF))
        ]
        (x0, y0), (x1, y1) = panel.transData.transform(ends)
        # Above the line, or below it where the line above is so near that the words would touch.
        beside = 3 if rate < above / LINES_APART else -9
        above = rate
        panel.annotate(
            f"{level} {rate:,.0f} GB/s",
            ends[0],
            xytext=(8, 8 * (y1 - y0) / (x1 - x0) + beside),
            textcoords="offset points",
            rotation=math.degrees(math.atan2(y1 - y0, x1 - x0)),
            rotation_mode="anchor",
            fontsize=7,
            color=LEVEL_COLOURS[level],
        )
    first = peak / (2 * max(one["gb_per_s"]["median"] for one in bandwidths.values()))
    panel.plot([first, high], [peak, peak], color="black", linewidth=1.2)
    panel.text(first, peak * 1.06, f"FMA peak {peak:.0f}", fontsize=8)
    along = [first * (high / first) ** (i / N_ROOF) for i in range(N_ROOF)]
    return [*points, *[(x, peak) for x in along]]


def save(pyplot: Any, figure: Any, path: Path, say: Say) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # No version of the drawing library in the file: the same figures make the same picture.
    figure.savefig(path, dpi=DPI, facecolor="white", metadata={"Software": None})
    pyplot.close(figure)
    say(f"wrote {path}")
