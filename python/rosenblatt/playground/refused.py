"""A refusal: a request that gets no for an answer, with the status and the reason."""

from __future__ import annotations


class RefusedError(Exception):
    """A request that is not granted.

    Attributes
    ----------
    status : int
        Of HTTP, 400 to 599.
    reason : str
        One line for a person.
    """

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason
