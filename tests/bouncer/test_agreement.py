"""The simulator's prediction beside what a real PgBouncer did under the same arrivals.

`python -m tests.bouncer.test_agreement` prints the table of the README.
"""

from __future__ import annotations

import asyncio
import random
from statistics import fmean
from typing import TYPE_CHECKING, NamedTuple

import pytest

from tests.bouncer.given import arrivals, counted
from tests.bouncer.real import Measured, send
from tui.bouncer.load import replay
from tui.bouncer.model import Pool, PoolMode
from tui.bouncer.simulation import Arrival, Outcome, Proxy, simulate

if TYPE_CHECKING:
    from tests.servers.fixtures import PgServer, StartBouncer
    from tests.servers.pgbouncer import Bouncer
    from tests.servers.postgres import Server

PASSWORDS = {"carto": "of carto", "maps": "of maps"}
OPENING_S = 0.01  # what a server socket took to open here


class Case(NamedTuple):
    """A load, and the settings that it meets; each role has a pool of `size`."""

    name: str
    mode: PoolMode
    load: list[Arrival]
    size: int
    reserve: int = 0
    reserve_timeout_s: int = 5
    most: int = 0
    patience_s: int = 120

    @property
    def settings(self) -> dict[str, str]:
        """What PgBouncer is told."""
        return {
            "default_pool_size": str(self.size),
            "reserve_pool_size": str(self.reserve),
            "reserve_pool_timeout": str(self.reserve_timeout_s),
            "max_db_connections": str(self.most),
            "query_wait_timeout": str(self.patience_s),
            "max_client_conn": "1000",
        }

    @property
    def proxy(self) -> Proxy:
        """What the simulator is told."""
        roles = dict.fromkeys(one.username for one in self.load)
        pools = tuple(Pool("gis", role, self.size, self.reserve) for role in roles)
        timeouts = (float(self.reserve_timeout_s), float(self.patience_s))
        return Proxy(pools, {"gis": self.most}, *timeouts, connecting_s=OPENING_S)


def burst(number: int, holding_s: float, within_s: float, seed: int = 1) -> list[Arrival]:
    """So many at random moments."""
    chance = random.Random(seed)
    return [
        Arrival(chance.uniform(0, within_s), chance.uniform(0.5, 1.5) * holding_s, "gis", "carto")
        for _ in range(number)
    ]


def other(load: list[Arrival], username: str) -> list[Arrival]:
    """The same of another role."""
    return [one._replace(username=username) for one in load]


def cases(length_s: float) -> list[Case]:
    """The table's: loads of so many seconds."""
    chance = random.Random(7)
    steady = arrivals(chance, 3.4, 0.3, length_s)
    waves = arrivals(chance, 3.4, 0.3, length_s, wave=0.8, period_s=length_s)
    crowd = arrivals(chance, 6, 0.3, length_s)
    maps = other(arrivals(chance, 2.5, 0.3, length_s), "maps")
    return [
        Case("transactions, steady", "transaction", steady, 4),
        Case("transactions, in waves", "transaction", waves, 4),
        Case("sessions, steady", "session", steady, 4),
        Case("sessions, in waves", "session", waves, 4),
        Case("a reserve of 2", "transaction", crowd, 4, reserve=2, reserve_timeout_s=1),
        Case("two roles, one cap", "transaction", [*steady, *maps], 4, most=6),
        Case("too many, sent away", "session", crowd, 4, patience_s=2),
    ]


async def run(case: Case, bouncer: Bouncer, server: Server) -> tuple[Measured, Outcome]:
    """Return what PgBouncer did, and what was predicted for the arrivals as they really were."""
    measured = await send(case.load, bouncer, server, PASSWORDS, case.mode)
    return measured, simulate(measured.arrivals, case.proxy)


def prepare(server: Server) -> None:
    """Make the database and the roles."""
    server.database("gis")
    for name, password in PASSWORDS.items():
        server.execute(f"DROP ROLE IF EXISTS {name}")
        server.execute(f"CREATE ROLE {name} LOGIN PASSWORD '{password}'")


@pytest.mark.parametrize(
    "case",
    [
        Case("transactions", "transaction", burst(40, 0.1, 0.8), 3),
        Case("sessions", "session", burst(40, 0.1, 0.8), 3),
        Case("reserve", "transaction", burst(40, 0.15, 0.8), 2, reserve=1, reserve_timeout_s=1),
        Case("cap", "session", [*burst(20, 0.1, 0.8), *other(burst(20, 0.1, 0.8, 2), "maps")], 3, most=4),
    ],
    ids=lambda case: case.name,
)
async def test_the_prediction_is_what_a_real_pgbouncer_does(
    case: Case, pg_server: PgServer, pgbouncer: StartBouncer
) -> None:
    server = pg_server(17, own="agreement")
    prepare(server)
    bouncer = pgbouncer(server, pool_mode=case.mode, settings=case.settings)
    measured, predicted = await run(case, bouncer, server)
    found = measured.outcome
    assert found.refused == predicted.refused == 0
    assert found.peak_server_sockets == predicted.peak_server_sockets
    assert found.peak_waiting == pytest.approx(predicted.peak_waiting, rel=0.3, abs=5)
    # Clients wait for seconds in all; a busy machine adds to each what the simulation knows nothing of.
    assert fmean(found.waits) == pytest.approx(fmean(predicted.waits), rel=0.5, abs=1)


def main() -> None:
    """Print the simulator beside PgBouncer, and what counts every two seconds predict beside the arrivals."""
    from tests.servers import fixtures
    from tests.servers.host import Host
    from tests.servers.pgbouncer import Bouncer
    from tests.servers.postgres import Server

    host = Host()
    try:
        server = Server(host, fixtures._programs("17"), settings={}, hba=None, tls=None, fresh=False)
        prepare(server)
        print("| load | peak server sockets | peak waiting | wait p50 | p95 | max | mean error of a wait |")
        print("|---|---|---|---|---|---|---|")
        for case in cases(20.0):
            bouncer = Bouncer(host, server, pool_mode=case.mode, settings=case.settings, tls=None)
            measured, predicted = asyncio.run(run(case, bouncer, server))
            bouncer.stop()
            _print(case.name, measured.outcome, predicted)
    finally:
        host.close()
    print("\n| load, 2 h | pool | true p95, max | by counts | true waiting | by counts |")
    print("|---|---|---|---|---|---|")
    for mode, holding_s, pool in [(m, h, p) for m, hs in _LOADS.items() for h in hs for p in (10, 12)]:
        true = arrivals(random.Random(5), 7, holding_s, 7200, wave=0.5)
        proxy = Proxy((Pool("gis", "carto", pool),), {}, query_wait_timeout_s=0)
        wanted = simulate(true, proxy).prediction(0)
        found = replay(counted(true, 7200, idle=1000 * (mode == "transaction")), proxy, mode)
        print(
            f"| {mode}s of {holding_s:g} s | {pool} | {wanted.wait_p95_s:.1f} s, {wanted.wait_max_s:.0f} s"
            f" | {found.wait_p95_s:.1f} s, {found.wait_max_s:.0f} s | {wanted.peak_waiting} | {found.peak_waiting} |"
        )


_LOADS: dict[PoolMode, tuple[float, ...]] = {"transaction": (0.1, 1, 10), "session": (10, 60, 300)}


def _print(name: str, found: Outcome, predicted: Outcome) -> None:
    both = (found.prediction(0), predicted.prediction(0))
    cells = [" / ".join(str(getattr(one, field)) for one in both) for field in ("peak_server_sockets", "peak_waiting")]
    cells += [
        " / ".join(f"{getattr(one, field):.2f}" for one in both) + " s"
        for field in ("wait_p50_s", "wait_p95_s", "wait_max_s")
    ]
    error = fmean(abs(a - b) for a, b in zip(found.waits, predicted.waits, strict=True))
    sent = f"; {found.refused} / {predicted.refused} sent away" if predicted.refused else ""
    print(f"| {name} | {' | '.join(cells)} | {1000 * error:.0f} ms{sent} |", flush=True)


if __name__ == "__main__":
    main()
