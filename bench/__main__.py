"""The command line: ``python -m bench compare``, ``runs``, ``footprint``, ... or ``all``."""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import compare, results
from .libraries import OWN_RUN, RUN_ALTERNATIVES, chosen_alternatives
from .match import Rules
from .measure import cores_for
from .peak import Peak
from .workloads import RUNS, chosen

COMMANDS = ("compare", "runs", "footprint", "kernels", "growth", "sklearn", "report", "all")

# Measurements of each entry, and seconds of each. So many make `all` last about half an hour
# on two cores, while the quartiles of undisturbed rounds stay within a few percent.
ROUNDS = {"compare": 7, "runs": 7, "footprint": 5, "kernels": 7, "growth": 5, "sklearn": 7}
SECONDS = {"compare": 0.12, "runs": 0.5, "kernels": 0.05, "growth": 0.05}

# In `all` these take part only in the main comparison, float32 with one thread. They compile for 4
# to 15 s per workload, half of what all others need, and are the fastest alternative in none.
SLOW_TO_START = ("pytorch-compile", "tensorflow")


def parse(arguments: list[str]) -> argparse.Namespace:
    """Read the command line; without a command it is compare."""
    if not arguments or (arguments[0] not in COMMANDS and arguments[0] not in ("-h", "--help")):
        arguments = ["compare", *arguments]
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("command", choices=COMMANDS)
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="PART", help="workloads with PART in their name"
    )
    parser.add_argument(
        "--alternatives", nargs="*", default=None, metavar="NAME", help="these alone, or none"
    )
    parser.add_argument("--dtype", choices=["float32", "float64"], default="float32")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--rounds", type=int, default=None, help="measurements of each entry")
    parser.add_argument("--seconds", type=float, default=None, help="of one measurement")
    parser.add_argument(
        "--quick", action="store_true", help="a smoke run: few batches and short rounds, no figures"
    )
    parser.add_argument("--output", type=Path, default=Path("build/bench"), metavar="DIR")
    settings = parser.parse_args(arguments)
    if settings.threads < 1:
        parser.error(f"--threads: got {settings.threads}, expected 1 or more")
    if (settings.rounds is not None and settings.rounds < 1) or (
        settings.seconds is not None and not settings.seconds > 0
    ):
        parser.error("--rounds and --seconds: expected more than 0")
    return settings


def rounds_of(settings: argparse.Namespace, command: str) -> int:
    """Return the rounds of a command: as asked for, else as few as can be, or the usual."""
    if settings.rounds is not None:
        return int(settings.rounds)
    return 3 if settings.quick else ROUNDS[command]


def seconds_of(settings: argparse.Namespace, command: str) -> float:
    """Return the seconds of a measurement: as asked for, else as short as can be, or the usual."""
    if settings.seconds is not None:
        return float(settings.seconds)
    return 0.01 if settings.quick else SECONDS[command]


def say(text: str) -> None:
    print(text, flush=True)


def run_compare(settings: argparse.Namespace, store: results.Store) -> None:
    import rosenblatt

    workloads = chosen(settings.only, settings.dtype)
    alternatives = chosen_alternatives(settings.alternatives)
    cores = cores_for(settings.threads)
    isas = rosenblatt.build_info()["isas"]
    everybody = compare.entries(alternatives, settings.threads, isas, say)
    rules = Rules(rounds_of(settings, "compare"), seconds_of(settings, "compare"), frozenset(cores))
    with tempfile.TemporaryDirectory() as folder:
        peak = Peak(Path(folder), cores)
        if not peak.known:
            say("the FMA peak: unknown, there is no C compiler that makes peak.c run here")
        for workload in workloads:
            if settings.quick and not settings.only and not compare.is_quick(workload):
                say(f"{workload.name}: left out of a smoke run")
                continue
            asked = compare.shortened(workload) if settings.quick else workload
            figures = compare.compare(asked, everybody, rules, peak, say)
            store.add_comparison(settings.dtype, settings.threads, figures)


def run_runs(settings: argparse.Namespace, store: results.Store) -> None:
    alternatives = chosen_alternatives(settings.alternatives, RUN_ALTERNATIVES)
    rules = Rules(
        rounds_of(settings, "runs"), seconds_of(settings, "runs"), frozenset(cores_for(1))
    )
    everybody = [OWN_RUN, *compare.installed(alternatives, say)]
    found = []
    for workload in RUNS:
        asked = compare.shortened(workload) if settings.quick else workload
        found.append(compare.compare(asked, everybody, rules, None, say))
    store.set("runs", found)


def run_footprint(settings: argparse.Namespace, store: results.Store) -> None:
    from .footprint import footprints

    found = footprints(rounds_of(settings, "footprint"))
    for label, figure in found.items():
        seconds = figure["import_seconds"]["median"]
        say(f"{label:<16}{1e3 * seconds:8.0f} ms{figure.get('bytes', 0) / 1e6:9.1f} MB")
    store.set("footprint", found)


def run_kernels(settings: argparse.Namespace, store: results.Store) -> None:
    from .kernels import measure_kernels

    rounds, seconds = rounds_of(settings, "kernels"), seconds_of(settings, "kernels")
    store.set("kernels", measure_kernels(rounds, seconds, settings.quick, say))


def run_growth(settings: argparse.Namespace, store: results.Store) -> None:
    from .growth import measure_growth
    from .plots import plot_growth

    alternatives = chosen_alternatives(
        ["numpy"] if settings.alternatives is None else settings.alternatives
    )
    rounds, seconds = rounds_of(settings, "growth"), seconds_of(settings, "growth")
    store.set("growth", measure_growth(alternatives, rounds, seconds, settings.quick, say))
    plot_growth(store.data, settings.output, say)


def run_sklearn(settings: argparse.Namespace, store: results.Store) -> None:
    from .estimators import measure_estimators

    rounds = rounds_of(settings, "sklearn")
    store.set("sklearn", measure_estimators(rounds, settings.only, settings.quick, say))


def run_report(settings: argparse.Namespace, store: results.Store) -> None:
    from .plots import plot_growth, plot_performance, plot_roofline
    from .report import write_report

    plot_performance(store.data, settings.output, say)
    plot_growth(store.data, settings.output, say)
    plot_roofline(store.data, settings.output, say)
    say(f"wrote {write_report(store.data, settings.output)}")


def run_all(settings: argparse.Namespace, store: results.Store) -> None:
    """Run everything that the report shows."""
    alternatives = settings.alternatives
    if alternatives is None:
        alternatives = [
            one.name for one in chosen_alternatives(None) if one.name not in SLOW_TO_START
        ]
    side = {**vars(settings), "alternatives": alternatives}
    in_turn("float32, one thread", run_compare, settings, store)
    in_turn("float64", run_compare, argparse.Namespace(**{**side, "dtype": "float64"}), store)
    if len(os.sched_getaffinity(0)) > 1:
        in_turn("two threads", run_compare, argparse.Namespace(**{**side, "threads": 2}), store)
    in_turn("whole runs", run_runs, argparse.Namespace(**{**side, "alternatives": None}), store)
    in_turn("footprint", run_footprint, settings, store)
    in_turn("kernels", run_kernels, settings, store)
    in_turn("growth", run_growth, settings, store)
    run_report(settings, store)


def in_turn(
    name: str,
    run: Callable[[argparse.Namespace, results.Store], None],
    settings: argparse.Namespace,
    store: results.Store,
) -> None:
    """Run a part and say how long it took."""
    began = time.monotonic()
    run(settings, store)
    say(f"{name}: took {(time.monotonic() - began) / 60:.1f} minutes")


ACTIONS: dict[str, Any] = {
    "compare": run_compare,
    "runs": run_runs,
    "footprint": run_footprint,
    "kernels": run_kernels,
    "growth": run_growth,
    "sklearn": run_sklearn,
    "report": run_report,
    "all": run_all,
}


def main(arguments: list[str]) -> int:
    settings = parse(arguments)
    store = results.Store(settings.output, complete=not settings.quick)
    try:
        ACTIONS[settings.command](settings, store)
    except ValueError as error:
        print(error, file=sys.stderr)
        return 2
    return 1 if store.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
