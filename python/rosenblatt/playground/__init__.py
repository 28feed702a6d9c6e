"""The playground: a local web page that shows a network in training.

`serve` listens on 127.0.0.1 until Ctrl-C; the command `rosenblatt playground` calls it.
"""

from __future__ import annotations

import threading
import webbrowser
from collections.abc import Callable
from contextlib import suppress

from .._checks import arguments
from .server import PlaygroundServer

__all__ = ["serve"]


def serve(
    port: int = 0,
    *,
    open_browser: bool = True,
    ready: Callable[[str], object] | None = None,
) -> None:
    """Serve the playground on this machine until Ctrl-C.

    Parameters
    ----------
    port : int, default 0
        The port on 127.0.0.1, 0 … 65535; 0 for any free port.
    open_browser : bool, default True
        Open the page in the default browser.
    ready : callable, optional
        Called with the address of the page when the server is listening.

    Raises
    ------
    TypeError, ValueError
        An argument has the wrong type or is out of range.
    OSError
        The port is in use, or the user may not use it.
    """
    port = arguments.integer("port", port, least=0, most=65535)
    open_browser = arguments.flag("open_browser", open_browser)
    with PlaygroundServer(port) as server, suppress(KeyboardInterrupt):
        if ready is not None:
            ready(server.url)
        if open_browser:
            # In a thread, because a browser in the terminal blocks until it is closed.
            threading.Thread(target=webbrowser.open, args=(server.url,), daemon=True).start()
        server.serve_forever(poll_interval=0.1)
