"""Writing transactions that outlast a full disk."""

import sys
import time
from collections.abc import Callable
from typing import TypeVar

from sqlalchemy.exc import OperationalError
from sqlmodel import Session

from core.database import Database

RETRY_SECONDS = 1.0  # a full disk or a database held for longer than its busy time-out

Written = TypeVar("Written")


class Writer:
    """The supervisor's way to write. Who waits for it (a trainer at its pipe) waits until there is space again."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.gives_up = False  # set when the worker was told to stop

    def write(self, change: Callable[[Session], Written]) -> Written:
        """One transaction, again and again while the database cannot be written."""
        while True:
            try:
                with self._database.writing() as session:
                    return change(session)
            except OperationalError as error:
                if self.gives_up:
                    raise
                print(f"The database cannot be written ({error.orig}); trying again.", file=sys.stderr, flush=True)
                time.sleep(RETRY_SECONDS)
