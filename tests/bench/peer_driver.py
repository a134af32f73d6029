"""Runs under pg_activity's own Python: the statements that one refresh of its screen makes, as its main loop does."""

import json
import os
import socket
import sys
import time

from pgactivity.data import Data  # type: ignore[import-not-found]


def main(host: str, port: int) -> None:
    """Answer each line of stdin with the cost of one refresh."""
    data = Data.pg_connect(host=host, port=port, user="monitor")
    print(json.dumps({"pid": data.pg_conn.info.backend_pid}), flush=True)
    with socket.socket(fileno=os.dup(data.pg_conn.fileno())) as twin:
        before = None
        for _ in sys.stdin:
            received, cpu_s = _received(twin), time.process_time()
            before = data.pg_get_server_information(prev_server_info=before)
            data.pg_get_activities()
            cost = {"cpu_s": time.process_time() - cpu_s, "received": _received(twin) - received}
            print(json.dumps(cost), flush=True)


def _received(one: socket.socket) -> int:
    """Return tcpi_bytes_received of linux/tcp.h."""
    return int.from_bytes(one.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 192)[128:136], sys.byteorder)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]))
