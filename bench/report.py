"""Report: performance.md, the tables, written from performance.json alone."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from .growth import DENORMAL_LIMIT, NEIGHBOUR_LIMIT
from .libraries import ALTERNATIVES, SAME_LIBRARY
from .measure import UNDISTURBED
from .targets import (
    AVX2_SHARE,
    LARGEST,
    TARGETS,
    TWO_THREADS_ANYWHERE,
    TWO_THREADS_LARGEST,
    Target,
)
from .workloads import PLAIN

Row = Sequence[str]
Figures = dict[str, Any]

# What a reader takes for several spellings of "about the same" is decided here: three digits.
DIGITS = 3


def write_report(data: Figures, folder: Path) -> Path:
    """Write performance.md into the folder, and return its path."""
    path = folder / "performance.md"
    text = "\n\n".join(wrapped(part) for part in parts(data) if part)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    return path


def wrapped(part: str) -> str:
    """Return a paragraph in lines of the length that the other pages have; the rest as it is."""
    if part.startswith(("#", "|", "!")):
        return part
    indent = "  " if part.startswith("- ") else ""
    return "\n".join(
        textwrap.fill(line, 110, subsequent_indent=indent, break_long_words=False)
        for line in part.splitlines()
    )


def parts(data: Figures) -> Iterator[str]:
    """Yield the page, part by part."""
    comparisons = data.get("comparisons", {})
    main = comparisons.get("float32 1")
    yield "# Performance"
    yield (
        "The time and memory that rosenblatt needs, compared with the libraries that one could use "
        "instead. `python -m bench report` writes this page from performance.json; "
        "[bench/README.md](../bench/README.md) says what is measured, and how to repeat it."
    )
    yield from unfinished(data)
    for section in (main, *[one for one in comparisons.values() if one is not main]):
        if section:
            yield from comparison(section, main)
        if section and section is main:
            yield "![Time relative to rosenblatt's, and its share of the FMA peak](performance.png)"
            yield from demands(main)
            yield from forced_avx2(main)
        elif section and section["threads"] == 1:
            yield from demands(section)
    yield from runs(data)
    yield from estimators(data)
    yield from memory(main)
    yield from footprint(data)
    yield from kernels(data)
    yield from growth(data)


# ---- numbers and tables ------------------------------------------------------------------------


def digits(value: float) -> str:
    """Return a number with three digits that count: 0.314, 31.4, 31,400."""
    if value == 0:
        return "0"
    rounded = float(f"{value:.{DIGITS}g}")
    if abs(rounded) >= 10 ** (DIGITS - 1):
        return f"{rounded:,.0f}"
    text = f"{rounded:#.{DIGITS}g}"
    return text if "e" not in text else f"{rounded:g}"


def micro(seconds: float) -> str:
    return digits(1e6 * seconds)


def counted(threads: int) -> str:
    return {1: "one thread", 2: "two threads"}.get(threads, f"{threads} threads")


def percent(share: float | None) -> str:
    return "unknown" if share is None else f"{100 * share:.0f} %"


def table(header: Row, rows: Sequence[Row]) -> str:
    """Return a table, the first column to the left and the others to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def unfinished(data: Figures) -> Iterator[str]:
    """Say so where a part comes from a smoke run."""
    matches = [one for part in data.get("comparisons", {}).values() for one in part["matches"]]
    others = [
        data[name] for name in ("runs", "sklearn", "footprint", "kernels", "growth") if name in data
    ]
    if not all(one["complete"] for one in [*matches, *others]):
        yield "**Part of this page comes from a smoke run (`--quick`) and means nothing.**"


# ---- comparisons -------------------------------------------------------------------------------


def comparison(section: Figures, main: Figures | None) -> Iterator[str]:
    threads = section["threads"]
    yield f"## {section['dtype']}, {counted(threads)}"
    if main is None or section is main or section["machine"] != main["machine"]:
        yield machine(section)
    yield conditions(section)
    rows = [row for match in section["matches"] if (row := summary(match))]
    if rows:
        yield (
            "rosenblatt and the fastest alternative. A step is one batch, from gathering its "
            "shuffled rows to the update; in inference it is one call."
        )
        yield table(
            [
                "workload",
                "µs per step",
                "samples per s",
                "GFLOP/s",
                "of the peak",
                "best alternative",
                "its µs",
                "ratio",
                "quartiles of the ratio",
            ],
            rows,
        )
    if threads > 1:
        yield from speedups(section)
    yield "Median time per step of every library in µs; half the interquartile range in brackets."
    yield all_entries(section["matches"])
    failures = [
        f"- {one['label']}, {match['workload']['name']}: {one['failure']}"
        for match in section["matches"]
        for one in match["entries"].values()
        if "failure" in one
    ]
    if failures:
        yield "Not timed:"
        yield "\n".join(failures)


def machine(section: Figures) -> str:
    """Return who was measured where, as a list."""
    about = section["machine"]
    info = about["rosenblatt"]
    caches = ", ".join(f"{name} {size}" for name, size in about["caches"].items())
    versions = ", ".join(f"{name} {version}" for name, version in about["versions"].items())
    cores = "1 core" if about["cores"] == 1 else f"{about['cores']} cores"
    lines = [
        f"Processor: {about['processor']}, {cores}, "
        f"{about['memory'] / 2**30:.0f} GiB; caches {caches}; {about['system']}.",
        f"rosenblatt {info['version']} ({info['compiler']}, {info['isa']}), Python "
        f"{about['python']}, {versions}.",
    ]
    return "\n".join(f"- {line}" for line in lines)


def conditions(section: Figures) -> str:
    """Return under which conditions a comparison was measured, as a list."""
    threads = section["threads"]
    peaks: dict[str, list[float]] = {}
    for match in section["matches"]:
        for kind, one in match["peak"].items():
            peaks.setdefault(kind, []).append(one["median"])
    widths = [
        f"{kind.split()[0]} bits {min(values):.0f} to {max(values):.0f}"
        for kind, values in peaks.items()
        if kind.endswith(section["dtype"])
    ]
    ran = [one["ran"] for match in section["matches"] for one in timed(match).values()]
    repeated = sum(one["repeated"] for match in section["matches"] for one in timed(match).values())
    n_measured = sum(
        one["seconds"]["n"] for match in section["matches"] for one in timed(match).values()
    )
    rounds = sorted({match["rounds"] for match in section["matches"]})
    lines = [
        f"FMA peak of {counted(threads)}, measured in each round, "
        f"GFLOP/s by width of register: {'; '.join(widths) or 'unknown'}.",
        f"Medians of {' or '.join(str(n) for n in rounds)} interleaved rounds. A measurement whose "
        f"process had the core for less than {100 * UNDISTURBED:.0f} % of the time was taken "
        f"again: {repeated} times in {n_measured}. In the worst case a process had it for "
        f"{100 * min(ran):.0f} % (median).",
    ]
    return "\n".join(f"- {line}" for line in lines)


def timed(match: Figures) -> dict[str, Figures]:
    """Return the entries that have a time."""
    return {name: one for name, one in match["entries"].items() if "seconds" in one}


def best_alternative(match: Figures, among: Sequence[str] = ()) -> Figures | None:
    """Return the fastest alternative of a match, or the fastest of some."""
    alternatives = [
        one for name, one in timed(match).items() if not one["own"] and (not among or name in among)
    ]
    return min(alternatives, key=lambda one: float(one["seconds"]["median"]), default=None)


def summary(match: Figures) -> Row | None:
    own = timed(match).get("rosenblatt")
    if own is None:
        return None
    alternative = best_alternative(match)
    row = [
        match["workload"]["name"],
        micro(own["seconds"]["median"]),
        digits(own["samples_per_second"]),
        digits(own["gflops"]),
        percent(own["share"]),
    ]
    if alternative is None:
        return [*row, "none", "", "", ""]
    ratio = alternative["ratio"]
    return [
        *row,
        alternative["label"],
        micro(alternative["seconds"]["median"]),
        f"{ratio['median']:.2f}",
        f"{ratio['low']:.2f} to {ratio['high']:.2f}",
    ]


def all_entries(matches: Sequence[Figures]) -> str:
    """Return a table of all times: a row per workload, a column per entry."""
    known = [
        "rosenblatt",
        "rosenblatt-one-thread",
        "rosenblatt-avx2",
        *[one.name for one in ALTERNATIVES],
    ]
    present = [name for name in known if any(name in timed(match) for match in matches)]
    labels = {name: one["label"] for match in matches for name, one in timed(match).items()}
    rows = []
    for match in matches:
        cells = [match["workload"]["name"]]
        for name in present:
            one = timed(match).get(name)
            if one is None:
                cells.append("failed" if name in match["entries"] else "")
                continue
            seconds = one["seconds"]
            noise = (seconds["high"] - seconds["low"]) / 2 / seconds["median"]
            cells.append(f"{micro(seconds['median'])} ({100 * noise:.0f} %)")
        rows.append(cells)
    return table(["workload", *[labels[name] for name in present]], rows)


def speedups(section: Figures) -> Iterator[str]:
    """Yield what several threads gain over one."""
    threads = section["threads"]
    rows = []
    for match in section["matches"]:
        entries = timed(match)
        if {"rosenblatt", "rosenblatt-one-thread"} <= entries.keys():
            single = entries["rosenblatt-one-thread"]
            ratio = single["ratio"]
            name = match["workload"]["name"]
            needed = TWO_THREADS_LARGEST if name in LARGEST else TWO_THREADS_ANYWHERE
            rows.append(
                [
                    name,
                    micro(single["seconds"]["median"]),
                    micro(entries["rosenblatt"]["seconds"]["median"]),
                    f"{ratio['median']:.2f}",
                    f"{ratio['low']:.2f} to {ratio['high']:.2f}",
                    f"{needed:g}" if threads == 2 else "",
                    reached(ratio["median"] / needed) if threads == 2 else "",
                ]
            )
    if not rows:
        return
    yield f"### {counted(threads).capitalize()} against one"
    yield (
        f"rosenblatt alone, in the same run. The speed-up is the time of one thread over that of "
        f"{counted(threads)}."
    )
    several = f"{counted(threads)}, µs"
    header = ["workload", "one thread, µs", several, "speed-up", "quartiles"]
    yield table([*header, "target", ""], rows)


# ---- demands -----------------------------------------------------------------------------------


def reached(part: float) -> str:
    """Return whether a demand is met, and else which part of it is."""
    return "reached" if part >= 1 else f"{100 * part:.0f} % of it"


def demands(section: Figures) -> Iterator[str]:
    """Yield each demand beside what was measured; of float64 the ratios alone are demanded."""
    matches = {match["workload"]["name"]: match for match in section["matches"]}
    rows = [
        [target.workload, target.demand, *outcome(target, matches[target.workload])]
        for target in TARGETS
        if target.workload in matches and (section["dtype"] == "float32" or target.kind == "ratio")
    ]
    if rows:
        yield "### Targets and results"
        yield (
            "A ratio is the median time of the alternative over rosenblatt's. If a library takes "
            "part in several forms, the fastest one counts."
        )
        yield table(["workload", "target", "measured", ""], rows)


def outcome(target: Target, match: Figures) -> tuple[str, str]:
    """Return what was measured, and whether that is enough."""
    own = timed(match).get("rosenblatt")
    if own is None:
        return "failed", ""
    if target.kind == "microseconds":
        taken = 1e6 * own["seconds"]["median"]
        return f"{digits(taken)} µs", reached(target.needed / taken)
    if target.kind == "share":
        share = own["share"]
        return percent(share), "" if share is None else reached(share / target.needed)
    alternative = best_alternative(match, target.against)
    if alternative is None:
        return "not measured", ""
    ratio = alternative["ratio"]["median"]
    return f"{digits(ratio)} × {alternative['label']}", reached(ratio / target.needed)


def forced_avx2(section: Figures) -> Iterator[str]:
    rows = []
    for match in section["matches"]:
        one = timed(match).get("rosenblatt-avx2")
        name = match["workload"]["name"]
        if one is None or one["share"] is None:
            continue
        demand = f"{100 * AVX2_SHARE:.0f} %" if name in LARGEST else ""
        verdict = reached(one["share"] / AVX2_SHARE) if name in LARGEST else ""
        time = micro(one["seconds"]["median"])
        rows.append([name, time, digits(one["gflops"]), percent(one["share"]), demand, verdict])
    if rows:
        yield "### AVX2 forced"
        yield "The share is that of the peak of 256-bit registers."
        yield table(["workload", "µs per step", "GFLOP/s", "of the peak", "target", ""], rows)


# ---- whole runs --------------------------------------------------------------------------------


def runs(data: Figures) -> Iterator[str]:
    """Yield whole trainings, and how many times as fast plain gradient descent was beside them."""
    if "runs" not in data:
        return
    plain = {
        match["workload"]["name"]: timed(match)
        for section in data.get("comparisons", {}).values()
        if (section["dtype"], section["threads"]) == ("float32", 1)
        for match in section["matches"]
    }
    rows = []
    for match in data["runs"]["figures"]:
        name, found = match["workload"]["name"], timed(match)
        if "rosenblatt-run" not in found:
            continue
        own = found["rosenblatt-run"]["seconds"]["median"]
        for alternative in (one for one in found if not found[one]["own"]):
            ratio = found[alternative]["ratio"]
            other = plain.get(PLAIN[name], {}).get(SAME_LIBRARY[alternative], {}).get("ratio")
            rows.append(
                [
                    f"{name}, {found[alternative]['label']}",
                    digits(1e3 * own * match["steps"]),
                    digits(1e3 * found[alternative]["seconds"]["median"] * match["steps"]),
                    f"{ratio['median']:.2f}",
                    f"{ratio['low']:.2f} to {ratio['high']:.2f}",
                    "" if other is None else f"{other['median']:.2f}",
                ]
            )
    if rows:
        yield "## Whole runs: Adam, dropout, early stopping"
        yield (
            "An epoch of a training run, float32, one thread: steps of Adam with a fifth of the "
            "hidden units dropped, the loss of the held-out rows, and a copy of the weights if "
            "that loss is the best so far. scikit-learn has no dropout and is timed without it. "
            "The last column is the ratio of plain gradient descent on the same network, from the "
            "first table."
        )
        yield table(
            [
                "run, alternative",
                "rosenblatt, ms",
                "alternative, ms",
                "ratio",
                "quartiles",
                "plain steps",
            ],
            rows,
        )


# ---- estimators --------------------------------------------------------------------------------


def estimators(data: Figures) -> Iterator[str]:
    """Yield what a fit takes beside scikit-learn's own estimators."""
    if "sklearn" not in data:
        return
    rows = []
    for one in data["sklearn"]["figures"]:
        own, theirs = (one["seconds"][who]["median"] for who in ("rosenblatt", "scikit-learn"))
        ratio = one["ratio"]
        rows.append(
            [
                one["task"],
                one["solver"],
                "all" if one["solver"] == "lbfgs" else str(one["batch_size"]),
                digits(1e3 * own),
                digits(1e3 * theirs),
                f"{ratio['median']:.1f}",
                f"{ratio['low']:.1f} to {ratio['high']:.1f}",
            ]
        )
    yield "## Estimators compared with scikit-learn's"
    yield (
        "`fit` of `rosenblatt.sklearn`'s MLPClassifier or MLPRegressor and of scikit-learn's, in "
        "turns, float64, from the same weights in the same order; the losses of both agree. Small "
        "batches get a few thousand rows at most. *text* is a sparse matrix of 20,000 columns, "
        "0.5 % of which are filled. Each library chooses its number of threads."
    )
    header = ["samples", "solver", "batch", "rosenblatt, ms", "scikit-learn, ms", "ratio"]
    yield table([*header, "quartiles"], rows)


# ---- memory, footprint -------------------------------------------------------------------------


def memory(section: Figures | None) -> Iterator[str]:
    """Yield the peak memory of everybody, one process for each."""
    if not section:
        return
    matches = section["matches"]
    present = [
        name
        for name in ["rosenblatt", *[one.name for one in ALTERNATIVES]]
        if any(name in timed(match) for match in matches)
    ]
    labels = {name: one["label"] for match in matches for name, one in timed(match).items()}
    rows = []
    for match in matches:
        cells = [match["workload"]["name"]]
        for name in present:
            one = timed(match).get(name)
            known = one is not None and one["memory"] is not None
            cells.append(digits(one["memory"] / 1e6) if one is not None and known else "")
        rows.append(cells)
    if rows:
        yield "## Peak memory"
        yield (
            "The largest resident size of the process in MB: the interpreter, the library, the "
            "samples, the network, and what compiling took."
        )
        yield table(["workload", *[labels[name] for name in present]], rows)


def footprint(data: Figures) -> Iterator[str]:
    if "footprint" not in data:
        return
    rows = []
    for label, one in data["footprint"]["figures"].items():
        seconds = one["import_seconds"]
        sizes = [
            digits(one[name] / 1e6) if name in one else "unknown"
            for name in ("wheel_bytes", "bytes_alone", "bytes")
        ]
        quartiles = f"{1e3 * seconds['low']:.0f} to {1e3 * seconds['high']:.0f}"
        rows.append([label, digits(1e3 * seconds["median"]), quartiles, *sizes])
    yield "## Import and size"
    yield (
        "Imports in fresh interpreters with the files in the cache. Sizes of the installed files, "
        "without and with all dependencies, and of the wheel that is downloaded."
    )
    yield table(
        ["", "import, ms", "quartiles", "wheel, MB", "alone, MB", "with dependencies, MB"], rows
    )


# ---- kernels, growth ---------------------------------------------------------------------------


def kernels(data: Figures) -> Iterator[str]:
    if "kernels" not in data:
        return
    figures = data["kernels"]["figures"]
    rows = [
        [
            f"{one['what']}, {one['dtype']}",
            " × ".join(str(size) for size in one["shape"]),
            micro(one["seconds"]["median"]),
            digits(one["gflops"]),
            percent(one["share"]),
            digits(one["blas_gflops"]),
            f"{one['gflops'] / one['blas_gflops']:.2f}",
        ]
        for one in figures["products"]
    ]
    yield "## One kernel at a time"
    yield (
        "*forward* is `Network.forward` of one layer, with the call from Python, its checks and "
        "the bias, compared with NumPy's product alone. *step* is a training step of one layer "
        "with an identity output (outputs, loss, dC/dW, update), up to 64 in an epoch, compared "
        "with the two products alone. Shapes are rows × inputs × outputs."
    )
    yield table(
        ["", "shape", "µs", "GFLOP/s", "of the peak", "NumPy's BLAS", "ratio"],
        rows,
    )
    yield from roofs(figures)
    rows = []
    for one in figures["functions"]:
        seconds = {who: spread["median"] for who, spread in one["seconds"].items()}
        own = seconds["rosenblatt"]
        cells = [f"{one['what']}, {one['dtype']}", digits(1e9 * own)]
        for who in ("NumPy", "C library"):
            cells += (
                [digits(1e9 * seconds[who]), f"{seconds[who] / own:.2f}"]
                if who in seconds
                else ["unknown", ""]
            )
        rows.append(cells)
    yield "### Functions"
    yield (
        "ns per number of an array; the C library's libm is called in a loop. The ratio is the "
        "time of the alternative over rosenblatt's." + faster_than_libm(figures["functions"])
    )
    yield table(["", "rosenblatt", "NumPy", "ratio", "C library", "ratio"], rows)


def faster_than_libm(rows: Sequence[Figures]) -> str:
    """Return a sentence with the smallest and the largest factor of each number type."""
    factors: dict[str, list[float]] = {}
    for one in rows:
        if "C library" in one["seconds"]:
            theirs, ours = (one["seconds"][who]["median"] for who in ("C library", "rosenblatt"))
            factors.setdefault(one["dtype"], []).append(theirs / ours)
    if not factors:
        return ""
    parts = [
        f"{min(values):.1f} to {max(values):.1f} times in {dtype}"
        for dtype, values in factors.items()
    ]
    return f" Compared with the C library it is {' and '.join(parts)}."


def roofs(figures: Figures) -> Iterator[str]:
    """Yield the measured bandwidths and the plot that has them as roofs."""
    bandwidths = figures.get("bandwidths")
    if not bandwidths:
        return
    yield "### Roofline"
    yield "![Single products under the FMA peak and the bandwidths](roofline.png)"
    parts = [
        f"{level} ({block_size(one['bytes'])}) {digits(one['gb_per_s']['median'])}"
        for level, one in bandwidths.items()
    ]
    yield (
        f"What one core reads, GB/s, from a block of the size in brackets: {', '.join(parts)}. The "
        "forward passes and steps of the table above are the dots; [kernels.md](kernels.md) says "
        "how to read such a plot."
    )


def block_size(n_bytes: int) -> str:
    """Return 24 KB, 256 MB; both are powers of two."""
    return f"{n_bytes >> 20:,} MB" if n_bytes >= 1 << 20 else f"{n_bytes >> 10} KB"


def growth(data: Figures) -> Iterator[str]:
    if "growth" not in data:
        return
    figures = data["growth"]["figures"]
    yield "## Growth without cliffs"
    yield "![Time per step over width, depth and batch; cost beside the neighbours'](growth.png)"
    yield from neighbours(figures["neighbours"])
    yield from denormals(figures["denormals"])


def neighbours(groups: Sequence[Figures]) -> Iterator[str]:
    """Yield the cost of sizes beside their neighbours', a row for each side that varies."""
    sides: dict[str, list[tuple[float, int]]] = {}
    for group in groups:
        sides.setdefault(group["side"], []).extend(
            (one["relative"], one["size"]) for one in group["sizes"] if one["relative"] is not None
        )
    rows = []
    for side, found in sides.items():
        if found:
            dearest, size = max(found)
            over = sum(value > NEIGHBOUR_LIMIT for value, _ in found)
            verdict = "reached" if not over else f"{over} above"
            rows.append([side, str(len(found)), f"{dearest:.2f}", str(size), verdict])
    if not rows:
        return
    yield (
        "Sizes that are powers of two, primes and one above a tile, compared with their "
        "neighbours: the cost per multiply-add of each over the median of its group, at most "
        f"{NEIGHBOUR_LIMIT}. The table has the worst of each dimension that varies:"
    )
    yield table(["dimension", "sizes", "worst", "at size", f"≤ {NEIGHBOUR_LIMIT}"], rows)


def denormals(found: Sequence[Figures]) -> Iterator[str]:
    """Yield the cost of rows of denormal numbers, with the worst named."""
    kinds = ("every eighth row", "all rows")
    rows, worst = [], (0.0, "")
    for one in found:
        name = "-".join(str(width) for width in one["layers"]) + " batch 32"
        rows.append(
            [name, *["failed" if one[kind] is None else f"{one[kind]:.2f}" for kind in kinds]]
        )
        worst = max([worst, *[(one[kind], f"{name}, {kind}") for kind in kinds if one[kind]]])
    if not rows:
        return
    verdict = "reached" if 0 < worst[0] <= DENORMAL_LIMIT else "not reached"
    yield (
        f"Rows of denormal numbers, cost relative to ordinary rows, at most {DENORMAL_LIMIT:g}; "
        f"the worst is {worst[0]:.2f} ({worst[1]}): {verdict}."
    )
    yield table(["", *kinds], rows)
