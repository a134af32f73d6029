"""What the tests of this room share: Connections, drafts that hypothesis makes, another user."""

from __future__ import annotations

import contextlib
import os
import pwd
from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

from tui.connections.connectors import CONNECTORS
from tui.connections.model import Connection, Parameters
from tui.connections.parameters import SSLMODES

if TYPE_CHECKING:
    from collections.abc import Iterator

# Every printable ASCII character, spaces at the ends, and some of the rest of the world.
AWKWARD = " " + "".join(map(chr, range(0x20, 0x7F))) + "äß€ 漢字 🐘 ש\u05b8لا" + "  "
LONG = "p:\\" * 333 + "x"


def connection(name: str = "prod", **changed: Any) -> Connection:
    """Return a Connection whose id goes with its name."""
    values: dict[str, Any] = {"server": "db.example.com", "username": "carto", "database": "gis", **changed}
    key = str(values.pop("id", "id-" + "".join(c for c in name if c.isascii() and (c.isalnum() or c == "-"))))
    return Connection(key, Parameters(name, **values))


@contextlib.contextmanager
def somebody_else() -> Iterator[None]:
    """Run a block as the user nobody where the tests run as root, whom no mode of a file stops."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(pwd.getpwnam("nobody").pw_uid)
    try:
        yield
    finally:
        os.seteuid(0)


_VISIBLE = st.characters(
    exclude_categories=("Cc", "Cs", "Cf", "Zl", "Zp"), exclude_characters="\u00a0\u202f", max_codepoint=0x1FFFF
)


def _texts(longest: int) -> st.SearchStrategy[str]:
    return (
        st.text(_VISIBLE, min_size=1, max_size=longest)
        .map(str.strip)
        .filter(lambda text: bool(text) and not text.startswith("-") and len(text.encode()) <= longest)
    )


IDENTIFIERS = _texts(63)
HOSTS = st.one_of(
    st.from_regex(r"[a-z0-9]([a-z0-9-]{0,20}[a-z0-9])?(\.[a-z]([a-z0-9-]{0,10}[a-z0-9])?){1,3}", fullmatch=True),
    st.ip_addresses().map(str),
)
PATTERNS = IDENTIFIERS.filter(lambda text: "," not in text)
PASSWORDS = st.text(st.characters(codec="utf-8", exclude_characters="\0\r\n"), min_size=1, max_size=80)
PARAMETERS = st.builds(
    Parameters,
    name=_texts(100),
    server=HOSTS,
    username=IDENTIFIERS,
    database=IDENTIFIERS,
    port=st.integers(1, 65535),
    connector=st.sampled_from([connector.key for connector in CONNECTORS]),
    sslmode=st.sampled_from(SSLMODES),
    sslrootcert=st.one_of(st.just(""), _texts(40).map("/etc/".__add__)),
    password_from=st.sampled_from(["keyring", "vault", "pgpass", "ask", "env:A_1", "file:/a b", "command:pass 'a b'"]),
    region=st.sampled_from(["", "europe-west1"]),
    match_application=st.lists(PATTERNS, max_size=3).map(tuple),
    match_client=st.lists(st.ip_addresses().map(lambda a: f"{a}/{a.max_prefixlen}"), max_size=3).map(tuple),
    analytics_toolbox=IDENTIFIERS.filter(lambda text: "." not in text),
    data_observatory=st.just("carto"),
    workflows_temp=st.sampled_from(["workflows_temp", 'a"b.c d', "carto_temp"]),
)
