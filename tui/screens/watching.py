"""The panel's stream of samples: what it needs from the sampler, and the real one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from tui.connections.model import Connection
    from tui.connections.secret import Secret
    from tui.sockets.lending import Lent
    from tui.sockets.model import Sample
    from tui.sockets.past import Trends
    from tui.sockets.series import Series

    PasswordOf = Callable[[Connection], Awaitable[Secret | None]]
    OnSample = Callable[[Sample], None]


class Watching(Protocol):
    """Counts the sockets of Connections again and again, with at most one socket of its own per server.

    `series` holds the last counts of each Connection, by its id, and `trends` a day of them; `interval_s` may be set
    at any time.
    """

    series: dict[str, Series]
    trends: Trends

    @property
    def interval_s(self) -> float:
        """The seconds between two counts."""

    @interval_s.setter
    def interval_s(self, seconds: float) -> None: ...

    def set_connections(self, connections: Sequence[Connection]) -> None:
        """Count these from now on."""

    def set_regions(self, addresses: Mapping[str, tuple[str, ...]]) -> None:
        """Take these for the regions' addresses from now on."""

    def retry(self, connection_id: str) -> None:
        """Try a Connection's credentials again, at once."""

    def lend(self, connection_id: str) -> Lent | None:
        """Return the socket through which a Connection's server is watched; None where none is open."""

    async def run_errand(self, connection_id: str, errand: Callable[[], Awaitable[None]]) -> bool:
        """Have something done with a socket of its own in that one's place; return whether it was done."""

    async def run(self) -> None:
        """Count until cancelled."""

    async def close(self) -> None:
        """Leave no socket behind."""


class OpenWatch(Protocol):
    """Makes a Watching."""

    def __call__(
        self, connections: Sequence[Connection], password_of: PasswordOf, interval_s: float, on_sample: OnSample
    ) -> Watching:
        """Count `connections` every `interval_s` seconds; hand each sample to `on_sample`."""


def open_watch(
    connections: Sequence[Connection], password_of: PasswordOf, interval_s: float, on_sample: OnSample
) -> Watching:
    """Count on real servers."""
    from tui.bouncer.watching import Watch  # noqa: PLC0415 - imports psycopg, 290 ms: after the first frame

    return Watch(connections, password_of, interval_s, on_sample=on_sample)
