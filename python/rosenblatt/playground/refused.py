"""The exception for a refused request, with its HTTP status and reason."""

from __future__ import annotations


class RefusedError(Exception):
    """A refused request.

    Attributes
    ----------
    status : int
        The HTTP status, 400 to 599.
    reason : str
        One line of text for the user.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
