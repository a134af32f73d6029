"""A socket that behaves as other programs' sockets do: read and write, statements sent as they stand. For the demo."""

from __future__ import annotations

from typing import Any, Self

import psycopg

from tui.postgres.door import connect
from tui.postgres.errors import Failure, QueryFailed
from tui.postgres.explain_query import explain_query
from tui.postgres.session import Session
from tui.postgres.target import Target


class Client(Session):
    """An open socket that a program uses as it likes."""

    @classmethod
    async def open(cls, target: Target, timeout_s: float = 10.0) -> Self:
        """Open one. Raises CannotConnect."""
        session = await connect(target, timeout_s)
        return cls(session._connection, session.target, session.address)

    async def execute(self, statement: str) -> list[tuple[Any, ...]]:
        """Run a statement just as it is written, in no transaction but the program's own; return its rows.

        Raises QueryFailed.
        """
        try:
            cursor = await self._connection.execute(statement.encode())
            return await cursor.fetchall() if cursor.description else []
        except psycopg.Error as error:
            failure = Failure("session", error.diag.message_primary or str(error), error.diag.sqlstate or "")
        raise QueryFailed(explain_query(failure, self.target))
