"""1,000 Connections on 250 real servers, all on this machine: does the console keep its cadence, and at what cost?"""

from __future__ import annotations

import itertools
import shutil
import signal
import subprocess
import time
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any, NamedTuple

import psycopg

from tests.bench.crowd import Kind
from tests.bench.place import CONSOLE, NEAR, TRUST
from tests.bench.process import Screenless, resident, sockets_to
from tests.bench.report import Row, percent, say, size
from tests.servers.host import free_port

if TYPE_CHECKING:
    from tests.bench.place import Place

SERVERS = 250
CONNECTIONS = 1000
INTERVAL_S = 2.0
SETTLED_S = 20.0
WATCHED_S = 30.0
LOOKS = 20
# Five gigabytes of files are written and thrown away: where there is a file system in memory, not to a disk.
_MEMORY = Path("/dev/shm")
# The least that a server can live on: all of them have to share this machine's memory.
_TINY = {
    "listen_addresses": NEAR, "unix_socket_directories": "", "max_connections": "20", "shared_buffers": "128kB",
    "max_wal_senders": "0", "max_worker_processes": "0", "autovacuum": "off", "fsync": "off", "wal_level": "minimal",
    "bgwriter_lru_maxpages": "0", "max_logical_replication_workers": "0", "dynamic_shared_memory_type": "mmap",
}  # fmt: skip

_LAST_POLL = """
SELECT extract(epoch FROM query_start)::float8 FROM pg_stat_activity WHERE application_name = 'pgconns'
"""


class Use(NamedTuple):
    """What the console used."""

    cpu: float
    resident: int
    sockets: dict[int, int]
    gaps: list[float]


def scale(place: Place) -> list[Row]:
    """Start the servers, watch all of them with one console, and ask some servers how often they were polled."""
    say(f"starting {SERVERS} servers")
    ports = _start(place)
    kinds = [Kind("postgres", "postgres", "")]
    connections = [
        place.connection(f"C{number:04}", kinds[0], ports[number % SERVERS]) for number in range(CONNECTIONS)
    ]
    home = {**place.home(connections), "PGCONNS_INTERVAL": str(INTERVAL_S)}
    with Screenless(CONSOLE, home) as program:
        program.seen_after("/17", limit_s=60)
        time.sleep(SETTLED_S)
        use = _watch(program, ports)
    cadence = median(use.gaps)
    late = sum(abs(gap - INTERVAL_S) > 0.1 * INTERVAL_S for gap in use.gaps) / len(use.gaps)
    most, watched = max(use.sockets.values()), sum(map(bool, use.sockets.values()))
    return [
        Row(
            f"{CONNECTIONS:,} Connections on {SERVERS} servers every {INTERVAL_S:g} s, the whole console",
            f"{percent(use.cpu)}, {size(use.resident)}; polled every {cadence:.2f} s, {late:.0%} of polls off by more"
            f" than a tenth; {watched} servers watched, at most {most} socket each",
            "",
            "under 50 % of a core, cadence within 10 %, at most one socket per server",
            use.cpu < 0.5 and abs(cadence - INTERVAL_S) < 0.1 * INTERVAL_S and most <= 1 and watched == SERVERS,
        )
    ]


def _watch(program: Screenless, ports: list[int]) -> Use:
    """Measure, while some servers are asked when their last poll began."""
    before, began = program.cpu_s(), time.monotonic()
    polled: dict[int, list[float]] = {port: [] for port in ports[:: SERVERS // LOOKS]}
    most = dict.fromkeys(ports, 0)
    with ExitStack() as stack:
        askers = {port: stack.enter_context(_ask(port)) for port in polled}
        while time.monotonic() - began < WATCHED_S:
            for port, asker in askers.items():
                row = asker.execute(_LAST_POLL).fetchone()
                if row and (not polled[port] or row[0] > polled[port][-1] + INTERVAL_S / 4):
                    polled[port].append(row[0])
            for port, number in sockets_to(ports, program.process.pid).items():
                most[port] = max(most[port], number)
            time.sleep(0.3)
    cpu = (program.cpu_s() - before) / (time.monotonic() - began)
    gaps = [later - earlier for times in polled.values() for earlier, later in itertools.pairwise(times)]
    return Use(cpu, resident(program.process.pid), most, gaps)


def _ask(port: int) -> psycopg.Connection[Any]:
    return psycopg.connect(host=NEAR, port=port, user="postgres", dbname="postgres", autocommit=True)


def _start(place: Place) -> list[int]:
    """Copy one small data folder, and start a server on each copy."""
    folder = place.host.make_folder("many", _MEMORY if _MEMORY.is_dir() else None)
    template = folder / "template"
    arguments: list[str | Path] = [
        "-D",
        template,
        "-U",
        "postgres",
        "-A",
        "trust",
        "--no-sync",
        "--wal-segsize=1",
        "-E",
        "UTF8",
    ]
    place.programs.initdb(place.host, arguments)
    (template / "pg_hba.conf").write_text(TRUST + "\n")
    with (template / "postgresql.conf").open("a") as file:
        file.writelines(f"{name} = '{value}'\n" for name, value in _TINY.items())
    ports: list[int] = []
    for number in range(SERVERS):
        data = folder / f"data-{number}"
        subprocess.run(["cp", "-a", template, data], check=True)
        ports.append(_launch(place, data))
    deadline = time.monotonic() + 60
    for number, port in enumerate(ports):
        while not _ready(folder / f"data-{number}") and time.monotonic() < deadline:
            time.sleep(0.05)
        if not _ready(folder / f"data-{number}"):
            raise RuntimeError(f"the server on port {port} does not start")
    shutil.rmtree(template)
    return ports


def _launch(place: Place, data: Path) -> int:
    port = free_port()
    program = place.programs.folder / "bin/postgres"
    place.host.spawn([program, "-D", data, "-p", str(port)], data.with_suffix(".log"), signal.SIGQUIT)
    return port


def _ready(data: Path) -> bool:
    try:
        lines = (data / "postmaster.pid").read_text().splitlines()
    except OSError:
        return False
    return len(lines) > 7 and lines[7].strip() == "ready"
