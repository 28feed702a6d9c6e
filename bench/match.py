"""Match: entries in processes of their own, judged first, then timed in turn, in rounds.

Everybody sees the same weather: a round asks each process for one measurement, in a new order every
time, while the others sleep.
"""

from __future__ import annotations

import json
import os
import random
import select
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from .judge import Judge
from .libraries import Entry
from .measure import ATTEMPTS, UNDISTURBED, held_to
from .peak import Peak
from .workloads import Workload

ROOT = Path(__file__).resolve().parent.parent

# Seconds that a reply may take: compiling the largest graph takes one or two minutes.
REPLY_SECONDS = 900.0

# Steps that are judged: the second shows whether the first was really taken.
JUDGED_STEPS = 3

# Seconds between two measurements. The thread pools of the one before may spin on: OpenMP's do so
# for up to 0.2 s.
PAUSE_ONE_THREAD = 0.01
PAUSE_THREADS = 0.25

PEAK_SECONDS = 0.02  # for each kind of register, in each round

# A library's own settings, by the beginnings of their names: instruction sets, sizes of blocks,
# numbers of threads. Some are set for a whole machine, to make results repeatable; a worker
# inherits none of them, so that each library chooses its best kernels for this processor.
SETTINGS = (
    "ATEN_",  # PyTorch's own kernels
    "BLIS_",
    "DNNL_",
    "GOMP_",
    "GOTO_",
    "JAX_",
    "KMP_",
    "MKL_",
    "NPY_",  # NumPy's own loops
    "OMP_",
    "ONEDNN_",
    "OPENBLAS_",
    "ROSENBLATT_",
    "TF_",
    "XLA_",
)

# Where a pass takes longer than this, in seconds, half the rounds are played, and a disturbed
# measurement is taken again once: the largest network would take hours.
LONG_PASS = 1.0


@dataclass(frozen=True)
class Player:
    """Who does what in a match."""

    entry: Entry
    workload: Workload


@dataclass
class Score:
    """What a match found out about a player."""

    seconds: list[float] = field(default_factory=list)  # per step, one for each round
    ran: list[float] = field(default_factory=list)  # processor's time over time on the clock
    pass_seconds: float = 0.0  # of a pass over the samples, at first sight
    repeated: int = 0  # measurements that were disturbed
    memory: int | None = None  # bytes, at most
    failure: str | None = None
    unsuitable: bool = False  # it does not do such a workload: no failure


@dataclass(frozen=True)
class Rules:
    """How long a match goes on, and where."""

    rounds: int
    seconds: float  # per measurement
    cores: frozenset[int]


class WorkerError(Exception):
    """A worker failed; the message is for the report."""


class Worker:
    """The process of a player."""

    def __init__(self, player: Player, rules: Rules, log: Path) -> None:
        self._player = player
        ours, theirs = os.pipe()
        with log.open("w") as stderr, held_to(cores_of(player, rules)):
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bench.worker", str(theirs)],
                stdin=subprocess.PIPE,
                stdout=stderr,
                stderr=stderr,
                cwd=ROOT,
                env=environment(player, rules),
                pass_fds=(theirs,),
                text=True,
            )
        os.close(theirs)
        self._replies = os.fdopen(ours, encoding="utf-8")

    def __enter__(self) -> Worker:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait()
        self._replies.close()

    def ask(self, what: str, **request: Any) -> dict[str, Any]:
        """Return the reply.

        Raises
        ------
        WorkerError
            The entry raised, died or did not answer in time.
        """
        assert self._process.stdin is not None
        try:
            print(json.dumps({"do": what, **request}), file=self._process.stdin, flush=True)
            ready, _, _ = select.select([self._replies], [], [], REPLY_SECONDS)
            if not ready:
                raise WorkerError(f"no answer within {REPLY_SECONDS:.0f} s")
            line = self._replies.readline()
        except OSError as error:
            raise WorkerError(f"the process ended: {error}") from None
        if not line:
            raise WorkerError(f"the process ended with status {self._process.wait()}")
        reply: dict[str, Any] = json.loads(line)
        if "error" in reply:
            raise WorkerError(reply["error"])
        return reply


def threads_of(player: Player, rules: Rules) -> int:
    return player.entry.threads or len(rules.cores)


def cores_of(player: Player, rules: Rules) -> set[int]:
    return set(sorted(rules.cores)[-threads_of(player, rules) :])


def environment(player: Player, rules: Rules) -> dict[str, str]:
    """Return the environment of a worker: every library learns how many threads to use, no more."""
    threads = str(threads_of(player, rules))
    others = {name: value for name, value in os.environ.items() if not name.startswith(SETTINGS)}
    return {
        **others,
        "OMP_NUM_THREADS": threads,
        "OPENBLAS_NUM_THREADS": threads,
        "MKL_NUM_THREADS": threads,
        "TF_NUM_INTRAOP_THREADS": threads,
        "TF_NUM_INTEROP_THREADS": "1",
        "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false" if threads == "1" else "",
        "JAX_PLATFORMS": "cpu",
        "CUDA_VISIBLE_DEVICES": "",
        "TF_CPP_MIN_LOG_LEVEL": "2",
        **player.entry.environment,
    }


def play(
    players: Sequence[Player], rules: Rules, peak: Peak | None, say: Callable[[str], None]
) -> tuple[list[Score], list[dict[str, float]]]:
    """Return the score of each player, and the peak of each round in GFLOP/s."""
    scores = [Score() for _ in players]
    peaks: list[dict[str, float]] = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        workers: dict[int, Worker] = {}
        judges: dict[Workload, Judge] = {}
        for i, player in enumerate(players):
            worker = Worker(player, rules, folder / f"{i}.log")
            stack.enter_context(worker)
            judge = judges.get(player.workload)
            if judge is None:
                judge = judges[player.workload] = Judge(player.workload, JUDGED_STEPS)
            scores[i] = admitted(worker, player, judge, rules=rules, result=folder / f"{i}.npy")
            if scores[i].failure is None:
                workers[i] = worker
            elif not scores[i].unsuitable:
                say(f"  {player.entry.label}: FAILED: {scores[i].failure}")
        judges.clear()
        order = list(workers)
        shuffle = random.Random(0).shuffle
        long = any(score.pass_seconds > LONG_PASS for score in scores)
        for _ in range((rules.rounds + 1) // 2 if long else rules.rounds):
            if peak is not None and peak.known:
                peaks.append(peak.measure(PEAK_SECONDS))
            shuffle(order)
            for i in order:
                if scores[i].failure is None:
                    measure(workers[i], scores[i], rules)
        for i, worker in workers.items():
            if scores[i].failure is not None:
                say(f"  {players[i].entry.label}: FAILED: {scores[i].failure}")
            else:
                scores[i].memory = worker.ask("memory")["bytes"]
    return scores, peaks


def admitted(worker: Worker, player: Player, judge: Judge, *, rules: Rules, result: Path) -> Score:
    """Open a worker and let the judge look at its result; a failure in the score keeps it out."""
    score = Score()
    try:
        reply = worker.ask(
            "open",
            name=player.entry.name,
            workload=player.workload.as_json(),
            threads=threads_of(player, rules),
        )
        if "unsuitable" in reply:
            return Score(failure=reply["unsuitable"], unsuitable=True)
        score.pass_seconds = reply["pass_seconds"]
        worker.ask("judge", steps=judge.steps, path=str(result))
        verdicts = judge.verdicts(np.load(result))
    except WorkerError as error:
        return Score(failure=str(error))
    wrong = [str(verdict) for verdict in verdicts if not verdict.agrees]
    if wrong:
        score.failure = "computes something else: " + "; ".join(wrong)
    return score


def measure(worker: Worker, score: Score, rules: Rules) -> None:
    """Add one measurement to the score; the least disturbed of some where all are disturbed."""
    best: dict[str, Any] = {"ran": -1.0}
    for _ in range(ATTEMPTS if score.pass_seconds <= LONG_PASS else 2):
        time.sleep(PAUSE_ONE_THREAD if len(rules.cores) == 1 else PAUSE_THREADS)
        try:
            reply = worker.ask("measure", seconds=rules.seconds)
        except WorkerError as error:
            score.failure = str(error)
            return
        if reply["ran"] > best["ran"]:
            best = reply
        if best["ran"] >= UNDISTURBED:
            break
        score.repeated += 1
    score.seconds.append(best["seconds"])
    score.ran.append(best["ran"])
