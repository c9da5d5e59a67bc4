"""The errors that end a command, each with the exit status that scripts may rely on.

Every message is one sentence or more that says what happened, where, and what to do; the command line prints it as it is.
Statuses: 0 done; 1 the command ran and the answer is no (not everything delivered, nothing found); 2 wrong usage or
settings; 3 this host or its data cannot be read; 4 the store cannot be used; 5 an address or an output cannot be used.
"""

from enum import IntEnum


class Exit(IntEnum):
    """Exit statuses of the command."""

    OK = 0
    NO = 1
    USAGE = 2
    HOST = 3
    STORE = 4
    NETWORK = 5


class Failure(Exception):  # noqa: N818 - it is the user's word for what happened, not a programming error
    """Ends the command with `status`; `str(failure)` is what the user reads."""

    def __init__(self, message: str, status: Exit) -> None:
        super().__init__(message)
        self.status = status
