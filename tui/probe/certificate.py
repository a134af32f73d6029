"""Reads a server's certificate, and matches its names as libpq does. Pure.

Source: PostgreSQL documentation, "SSL Support", and fe-secure-common.c: with a DNS name in the alternative names the
common name is not looked at; a wildcard is a whole first label and stands for one label.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import NameOID


@dataclass(frozen=True, slots=True)
class Certificate:
    """What a certificate says; times are UTC."""

    common_name: str
    dns_names: tuple[str, ...]
    addresses: tuple[str, ...]
    issuer: str
    not_before: datetime
    not_after: datetime
    self_signed: bool

    @property
    def names(self) -> tuple[str, ...]:
        """The names it is made out to, as far as libpq looks at them."""
        names = (*self.dns_names, *self.addresses)
        return names or ((self.common_name,) if self.common_name else ())

    def is_for(self, host: str) -> bool:
        """Whether verify-full takes the certificate for `host`'s."""
        address = _address(host)
        if address:
            if address in self.addresses or host in self.dns_names:
                return True
            return not self.addresses and not self.dns_names and self.common_name == host
        candidates = self.dns_names or (self.common_name,)
        return any(_matches(candidate, host) for candidate in candidates)

    def days_left(self, now: datetime) -> int:
        """Whole days until it expires; negative when it has."""
        return (self.not_after - now).days


def read(der: bytes) -> Certificate | None:
    """Return what a certificate says; None where it cannot be read."""
    try:
        certificate = x509.load_der_x509_certificate(der)
        dns_names, addresses = _alternatives(certificate)
        return Certificate(
            _common_name(certificate.subject),
            dns_names,
            addresses,
            _common_name(certificate.issuer) or certificate.issuer.rfc4514_string(),
            certificate.not_valid_before_utc,
            certificate.not_valid_after_utc,
            certificate.issuer == certificate.subject,
        )
    except (ValueError, TypeError, x509.DuplicateExtension, x509.UnsupportedGeneralNameType):
        return None


def _common_name(name: x509.Name) -> str:
    values = name.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(values[0].value) if values else ""


def _alternatives(certificate: x509.Certificate) -> tuple[tuple[str, ...], tuple[str, ...]]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return (), ()
    return (
        tuple(names.get_values_for_type(x509.DNSName)),
        tuple(str(address) for address in names.get_values_for_type(x509.IPAddress)),
    )


def _address(host: str) -> str:
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return ""


def _matches(pattern: str, host: str) -> bool:
    pattern, host = pattern.lower(), host.lower()
    if pattern == host:
        return True
    first, dot, rest = host.partition(".")
    return bool(pattern.startswith("*.") and dot and first and pattern[2:] == rest and "." in rest)
