"""The command `rosenblatt playground`: serves the page until Ctrl-C."""

from __future__ import annotations

import errno
from argparse import Namespace

from .._cli.commands import CommandError
from .._cli.terminal import Screen
from . import serve


def run_playground(options: Namespace, screen: Screen, errors: Screen) -> int:
    """Serve the playground until Ctrl-C.

    Returns
    -------
    int
        The exit status.

    Raises
    ------
    CommandError
        The server cannot listen on the port.
    """

    def ready(url: str) -> None:
        screen.say(f"the playground is at {url} (press Ctrl-C to stop it)")
        screen.flush()

    try:
        serve(options.port, open_browser=not options.no_browser, ready=ready)
    except OSError as error:
        raise CommandError(_words(error, options.port)) from None
    screen.say("", "the playground has stopped")
    return 0


def _words(error: OSError, port: int) -> str:
    choose = "choose another port with --port, or --port 0 for any free port"
    if error.errno == errno.EADDRINUSE:
        return f"port {port} is in use, perhaps by another playground: {choose}"
    if error.errno == errno.EACCES:
        return f"port {port}: permission denied: {choose}"
    return f"port {port}: {error.strerror}: {choose}"
