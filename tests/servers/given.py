"""A server that somebody handed over in ``PGTEST_DSN_<major>``: it can be asked, not changed."""

from __future__ import annotations

import pytest
from psycopg.conninfo import conninfo_to_dict

from tests.servers.postgres import Server


class GivenServer(Server):
    """A server that is not ours: whatever would stop or reconfigure it skips the test."""

    def __init__(self, dsn: str) -> None:
        values = conninfo_to_dict(dsn)
        self.host = str(values["host"])
        self.port = int(values.get("port") or 5432)
        self.superuser = str(values["user"])
        self.password = str(values.get("password") or "")
        self._made = []

    @property
    def running(self) -> bool:
        """Whether its main process runs: taken on trust."""
        return True

    def reload(self) -> None:
        """Skip the test."""
        pytest.skip("this server was given: it is not reconfigured")

    def start(self) -> None:
        """Skip the test."""
        pytest.skip("this server was given: it is not started")

    def stop(self, number: object = None) -> None:
        """Skip the test."""
        pytest.skip("this server was given: it is not stopped")

    def configure(self, settings: object) -> None:
        """Skip the test."""
        self.reload()

    def hba(self, text: str) -> None:
        """Skip the test."""
        self.reload()
