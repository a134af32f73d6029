"""What the registry costs at the start of `pgconns list`: no library of weight is imported to read it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from tests.connections.given import connection
from tui.connections.registry import Registry

_HEAVY = (
    "psycopg",
    "textual",
    "keyring",
    "httpx",
    "tomlkit",
    "dataclasses",
    "cryptography",
    "uuid",
    "pathlib",
    "asyncio",
)


def test_fifty_connections_are_loaded_without_heavy_imports(tmp_path: Path) -> None:
    registry = Registry(tmp_path / "registry.toml")
    for number in range(50):
        registry.add(connection(f"c{number}", server=f"db{number}.example.com", match_application=("carto*",)))
    code = """
        import sys
        from tui.connections.registry import Registry
        names = [connection.name for connection in Registry().load()]
        heavy = [name for name in sys.argv[1:] if name in sys.modules]
        print('{"count": %d, "heavy": %s}' % (len(names), str(heavy).replace("'", '"')))
    """
    done = subprocess.run(
        [sys.executable, "-S", "-c", "if True:" + code, *_HEAVY],
        env={**os.environ, "PGCONNS_REGISTRY": str(registry.path), "PYTHONPATH": str(Path(__file__).parents[2])},
        capture_output=True,
        text=True,
        check=True,
    )
    assert json.loads(done.stdout) == {"count": 50, "heavy": []}
