"""What the pictures are given, checked and said in one way."""

from __future__ import annotations

from .._network import Network


def network_given(net: object) -> Network:
    """Return `net`, a Network.

    Raises
    ------
    TypeError
        It is anything else.
    """
    if not isinstance(net, Network):
        raise TypeError(f"net: got {type(net).__name__}, needed a rosenblatt.Network")
    return net
