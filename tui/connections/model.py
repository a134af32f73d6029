"""The values of a registered Connection.

Named tuples instead of dataclasses: `pgconns list` must start within three times an empty Python, and importing
dataclasses takes a quarter of that budget.
"""

from __future__ import annotations

from typing import Any, NamedTuple


class Parameters(NamedTuple):
    """Everything a person sets of a Connection; the password is not among them. See FIELDS in `parameters`."""

    name: str
    server: str
    username: str
    database: str
    port: int = 5432
    connector: str = "postgresql"
    sslmode: str = "prefer"
    sslrootcert: str = ""
    password_from: str = "vault"  # noqa: S105 - the place where it lives, not a password
    region: str = ""
    match_application: tuple[str, ...] = ()
    match_client: tuple[str, ...] = ()
    analytics_toolbox: str = "carto"
    data_observatory: str = "carto"
    workflows_temp: str = "workflows_temp"


class Connection(NamedTuple):
    """A registered Connection. `id` never changes and keys its secret, so that a rename moves nothing."""

    id: str
    parameters: Parameters
    read_only: bool = False  # comes from a system-wide registry

    @property
    def name(self) -> str:
        """The name people know it by."""
        return self.parameters.name

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `list` and `show`: the id and every parameter; never a secret."""
        values = {k: list(v) if isinstance(v, tuple) else v for k, v in self.parameters._asdict().items()}
        return {"id": self.id, **values, "read_only": self.read_only}


class OwnRegion(NamedTuple):
    """A region that somebody entered: the addresses, or networks as CIDR, of a self-hosted installation of CARTO."""

    name: str
    addresses: tuple[str, ...]
    read_only: bool = False  # comes from a system-wide registry

    def to_json(self) -> dict[str, Any]:
        """Return the JSON shape of `export`, in the words of `regions`."""
        return {"region": self.name, "addresses": list(self.addresses)}


class Hook(NamedTuple):
    """Whom `watch` tells of alerts, and when. One of `command`, `webhook`, `webhook_from` and `apprise_from` is set.

    `..._from` say where a secret lives, as `password_from` does: a URL that holds one, or the key that signs.
    """

    name: str
    command: tuple[str, ...] = ()
    webhook: str = ""
    webhook_from: str = ""
    secret_from: str = ""
    apprise_from: str = ""
    level: str = "warning"  # the least that is told
    stands_seconds: float = 30.0  # so long it must stand
    gone_seconds: float = 300.0  # and so long be gone, before it is told to be over
    remind_hours: float = 0.0  # 0: told once
    quiet_hours: tuple[str, ...] = ()
    time_zone: str = ""
    critical_in_quiet_hours: bool = True
    read_only: bool = False  # comes from a system-wide registry

    @property
    def kind(self) -> str:
        """How it tells: command, webhook or apprise."""
        return "command" if self.command else "apprise" if self.apprise_from else "webhook"

    def to_table(self) -> dict[str, Any]:
        """Return what a registry and `export` hold of it: the name, and what is not as by default."""
        default = Hook("")._asdict()
        told = {key: value for key, value in self._asdict().items() if value != default[key] and key != "read_only"}
        return {key: list(value) if isinstance(value, tuple) else value for key, value in told.items()}
