"""A certificate authority for the run, and the certificates servers show: good, expired, or for another name."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, NamedTuple

import trustme

if TYPE_CHECKING:
    from pathlib import Path


class Issued(NamedTuple):
    """A certificate with its chain, and its key: both PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path) -> tuple[Path, Path]:
        """Write both, the key for its owner alone; return the files of certificate and key."""
        certificate, key = folder / "server.crt", folder / "server.key"
        certificate.write_bytes(self.certificate)
        key.touch(0o600)
        key.write_bytes(self.key)
        key.chmod(0o600)
        return certificate, key


class Authority:
    """A certificate authority; `root` is the file that whoever trusts it names as sslrootcert."""

    def __init__(self, folder: Path) -> None:
        self._authority = trustme.CA()
        self._issued: dict[tuple[object, ...], Issued] = {}
        self.root = folder / "root.crt"
        self._authority.cert_pem.write_to_path(str(self.root))

    def issue(self, *names: str, expired: bool = False, days: int = 90) -> Issued:
        """Issue a certificate for host names and addresses, good for `days`; `expired` ended yesterday."""
        key = (*names, expired, days)
        if key not in self._issued:  # equal certificates make equal servers, which are shared
            self._issued[key] = self._issue(names, -1 if expired else days)
        return self._issued[key]

    def _issue(self, names: tuple[str, ...], days: int) -> Issued:
        now = datetime.now(UTC)
        issued = self._authority.issue_cert(
            *names,
            common_name=names[0],
            not_before=now - timedelta(days=400 if days < 0 else 1),
            not_after=now + timedelta(days=days),
        )
        chain = b"".join(blob.bytes() for blob in issued.cert_chain_pems)
        return Issued(chain, issued.private_key_pem.bytes())
