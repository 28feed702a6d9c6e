"""Ctrl-C in the middle of a call: the moment is found by events and by the processor's time."""

from __future__ import annotations

import os
import time

# A process sends itself SIGINT in the middle of a call, and measures how long the call goes on in
# the processor's time, which does not depend on what else the machine does.
CTRL_C = """
    import json, os, signal, threading, time
    import numpy as np
    import rosenblatt as rb

    signal.signal(signal.SIGINT, signal.default_int_handler)  # background jobs inherit SIG_IGN
    rng = np.random.default_rng(0)

    def seconds_to_stop(after, call, *, begun=None, threads=None):
        "Seconds of processor time, for each of the call's threads, from Ctrl-C to the exception."
        sent, over = [], threading.Event()
        def press_ctrl_c():
            if begun is not None and not begun.wait(60):
                return
            until = time.process_time() + after
            while time.process_time() < until and not over.is_set():
                time.sleep(0.001)
            sent.append(time.process_time())
            os.kill(os.getpid(), signal.SIGINT)
        threading.Thread(target=press_ctrl_c, daemon=True).start()
        try:
            call()
        except KeyboardInterrupt:
            used = time.process_time() - sent[0]
            return used / (threads or rb.build_info()["threads"])
        over.set()
        raise SystemExit("the call ended before Ctrl-C")

    def seconds_to_stop_by_timer(after, call):
        "The same by a timer of the processor's time: the call may hold the interpreter's lock."
        signal.signal(signal.SIGPROF, signal.default_int_handler)
        until = time.process_time() + after
        signal.setitimer(signal.ITIMER_PROF, after)
        try:
            call()
        except KeyboardInterrupt:
            return time.process_time() - until
        raise SystemExit("the call ended before Ctrl-C")
"""


def await_processor_time(process: int, seconds: float) -> None:
    """Wait until another process has used the processor for so many more seconds."""
    until = _processor_time(process) + seconds
    while _processor_time(process) < until:
        time.sleep(0.01)


def _processor_time(process: int) -> float:
    with open(f"/proc/{process}/stat", encoding="utf-8") as file:
        fields = file.read().rpartition(") ")[2].split()
    return sum(map(int, fields[11:13])) / os.sysconf("SC_CLK_TCK")
