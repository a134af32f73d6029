"""Which known vulnerabilities a PgBouncer has, by its version and its settings. Pure.

Sources, read on 2026-11-26: PgBouncer's changelog (https://www.pgbouncer.org/changelog.html) up to 1.26.1 of
2026-10-14, and the CVE records that PostgreSQL's security team published for it (CVE-2026-6668, -6669 and -19888 of
2026-09-23 name 1.25.2 as the last version that has them). What needs a setting is left out where the setting is not
so. Distributions mend old versions without changing the number, which nobody can see from outside.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tui.bouncer.shown import State

Version = tuple[int, int, int]
Config = Mapping[str, str]

NEWEST_READ = "1.26.1"
READ_ON = "2026-11-26"


def _always(_: Config) -> bool:
    return True


def _scram(config: Config) -> bool:
    """Whether SCRAM may be spoken with clients: md5 and hba turn to it where the stored secret is a verifier."""
    return config.get("auth_type", "") in {"scram-sha-256", "md5", "hba", ""}


def _listed(config: Config, name: str) -> set[str]:
    return {word.strip().lower() for word in config.get(name, "").split(",") if word.strip()}


def _ignores_all_but_options(config: Config) -> bool:
    ignored = _listed(config, "ignore_startup_parameters")
    return bool(ignored) and "options" not in ignored


def _huge_packets(config: Config) -> bool:
    digits = config.get("max_packet_size", "")
    return digits.isdecimal() and int(digits) > 2**31


def _tracks_search_path(config: Config) -> bool:
    return "search_path" in _listed(config, "track_extra_parameters") and bool(config.get("auth_user"))


def _forgets_expiry(config: Config) -> bool:
    """Whether the statement of auth_query itself reads pg_authid, and not rolvaliduntil; functions are not seen."""
    query = config.get("auth_query", "").lower()
    reads = re.search("pg_(authid|shadow)", query) and not re.search("val(id)?until", query)
    return bool(config.get("auth_user")) and bool(reads)


@dataclass(frozen=True, slots=True)
class Vulnerability:
    """A published one: the versions from `since` up to, without, `fixed` have it where `applies` to their settings."""

    name: str
    since: Version
    fixed: Version
    what: str
    applies: Callable[[Config], bool] = _always


KNOWN = (
    Vulnerability("CVE-2026-107350", (1, 17, 0), (1, 26, 1),
                  "who knows one password can log in as any other role, admins too", _scram),
    Vulnerability("CVE-2026-107349", (1, 20, 0), (1, 26, 1),
                  "anybody who reaches the port can make it spin and serve nobody", _ignores_all_but_options),
    Vulnerability("CVE-2026-107348", (1, 21, 0), (1, 26, 1),
                  "a huge packet makes it spin and serve nobody", _huge_packets),
    Vulnerability("CVE-2026-6668", (0, 0, 0), (1, 26, 0),
                  "anybody who reaches the port can make it spin and serve nobody"),
    Vulnerability("CVE-2026-6669", (0, 0, 0), (1, 26, 0), "a malicious server behind it can use up its processor"),
    Vulnerability("CVE-2026-19888", (0, 0, 0), (1, 26, 0), "anybody who reaches the port can crash it", _scram),
    Vulnerability("CVE-2026-6664", (0, 0, 0), (1, 25, 2), "anybody who reaches the port can crash it", _scram),
    Vulnerability("CVE-2026-6665", (0, 0, 0), (1, 25, 2), "a malicious server behind it can overflow its stack"),
    Vulnerability("CVE-2026-6666", (0, 0, 0), (1, 25, 2), "a malicious server behind it can crash it"),
    Vulnerability("CVE-2026-6667", (1, 24, 0), (1, 25, 2), "stats users can end clients with KILL_CLIENT",
                  lambda config: bool(config.get("stats_users"))),
    Vulnerability("CVE-2025-12819", (1, 20, 0), (1, 25, 1),
                  "anybody who reaches the port can run SQL as auth_user", _tracks_search_path),
    Vulnerability("CVE-2025-2291", (0, 0, 0), (1, 24, 1), "expired passwords still open it", _forgets_expiry),
    Vulnerability("CVE-2021-3935", (0, 0, 0), (1, 16, 1), "somebody in the middle can inject SQL before TLS",
                  lambda config: config.get("auth_type") in {"cert", "hba"}),
)  # fmt: skip


def of(state: State) -> tuple[Vulnerability, ...]:
    """Return those of a PgBouncer's version that its settings do not rule out; none where it names no version."""
    number = state.number
    if number is None:
        return ()
    return tuple(one for one in KNOWN if one.since <= number < one.fixed and one.applies(state.config))
