"""TLS: what the server offers, and whether its certificate is good enough for the mode that was chosen.

libpq's rules (fe-secure-openssl.c), which this follows: where a root certificate is given, or ~/.postgresql/root.crt
exists, the chain is verified in every mode that speaks TLS at all, and prefer and allow then fall back to no TLS;
verify-ca and verify-full need one; only verify-full looks at the names.
"""

from __future__ import annotations

import asyncio
import os
import ssl
import time
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from tui.postgres.explain_tls import client_certificate, mismatch, not_postgresql, roots_fix
from tui.postgres.finding import Finding, Status
from tui.postgres.target import Target, root_certificate
from tui.probe import certificate
from tui.probe.certificate import Certificate
from tui.probe.timing import timed
from tui.probe.wire import Wire, service

_TLS_S = 5.0
_SOON_DAYS = 30
_MUST = frozenset({"require", "verify-ca", "verify-full"})


@dataclass(frozen=True, slots=True)
class Offer:
    """What the server answered: b"S", b"N" or other words; then TLS as far as it came.

    `distrust` is why the chain does not verify against `roots`; None where nothing was verified, empty where it did;
    `code` is OpenSSL's name for that reason.
    """

    said: bytes
    version: str = ""
    cipher: str = ""
    certificate: Certificate | None = None
    roots: str = ""
    distrust: str | None = None
    code: str = ""
    broken: str = ""


async def check_tls(target: Target, address: str) -> Finding:
    """Ask for TLS, look at what comes, and judge it by the target's mode."""
    started = time.monotonic()
    try:
        async with asyncio.timeout(_TLS_S):
            offer = await _look(target, address)
    except TimeoutError:
        return timed(_silent(target), started)
    except OSError as error:
        offer = Offer(b"", broken=_words(error))
    return timed(judge(target, offer, is_local(address), datetime.now(UTC)), started)


def is_local(address: str) -> bool:
    """Whether an address never leaves this machine."""
    return address == "::1" or address.startswith("127.")


async def _look(target: Target, address: str) -> Offer:
    roots = roots_of(target)
    async with await Wire.open(address, target.port) as wire:
        said = await wire.ask_for_tls()
        if said != b"S":
            return Offer(said)
        try:
            context = _context(roots)
        except (ssl.SSLError, OSError) as error:
            return Offer(said, roots=roots, broken=f"{roots}: {_words(error)}")
        try:
            tls = await wire.start_tls(context, target.host)
        except ssl.SSLCertVerificationError as error:
            distrust, code = error.verify_message, _VERIFY.get(error.verify_code, "")
        except (ssl.SSLError, OSError) as error:
            return Offer(said, broken=_words(error))
        else:
            verified = context.verify_mode is ssl.CERT_REQUIRED
            return _offer(tls, roots, "" if verified else None)
    async with await Wire.open(address, target.port) as wire:
        await wire.ask_for_tls()
        try:
            offer = _offer(await wire.start_tls(_context(""), target.host), roots, distrust)
            return replace(offer, code=code)
        except (ssl.SSLError, OSError) as error:
            return Offer(said, distrust=distrust, broken=_words(error))


# Source: OpenSSL, x509_vfy.h.
_VERIFY = {
    9: "X509_V_ERR_CERT_NOT_YET_VALID",
    10: "X509_V_ERR_CERT_HAS_EXPIRED",
    18: "X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT",
    19: "X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN",
    20: "X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY",
    21: "X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE",
    23: "X509_V_ERR_CERT_REVOKED",
    79: "X509_V_ERR_INVALID_CA",
}


def roots_of(target: Target) -> str:
    """Return the file that libpq verifies against, whether it exists or not."""
    chosen = root_certificate(target.sslrootcert or os.environ.get("PGSSLROOTCERT", ""), target.sslmode)
    return chosen or str(Path("~/.postgresql/root.crt").expanduser())


def _context(roots: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.check_hostname = False
    if roots and Path(roots).is_file():
        context.load_verify_locations(roots)
    else:
        context.verify_mode = ssl.CERT_NONE
    return context


def _offer(tls: ssl.SSLObject, roots: str, distrust: str | None) -> Offer:
    der = tls.getpeercert(binary_form=True)
    cipher = tls.cipher()
    return Offer(
        b"S",
        tls.version() or "",
        cipher[0] if cipher else "",
        certificate.read(der) if der else None,
        roots,
        distrust,
    )


def _words(error: Exception) -> str:
    if isinstance(error, ssl.SSLError) and error.reason:
        return error.reason.replace("_", " ").lower()
    if isinstance(error, OSError) and not isinstance(error, ssl.SSLError) and error.errno:
        return os.strerror(error.errno)  # asyncio puts words of its own into strerror
    return getattr(error, "strerror", None) or str(error) or type(error).__name__


def judge(target: Target, offer: Offer, local: bool, now: datetime) -> Finding:
    """Return what the server's offer means for the target's TLS mode. Pure."""
    mode = target.sslmode
    if offer.said == b"N":
        return _no_tls(target, local)
    if not offer.said:
        return Finding(
            "tls",
            "failed",
            f"{target.place} hung up when asked for TLS: it is no PostgreSQL, or it is stopping",
            "Check Server and Port, and look at the server's log",
            offer.broken,
            "ECONNRESET",
        )
    if offer.said != b"S":
        return _stranger(target, offer)
    if mode == "disable":
        if local:
            return Finding(
                "tls", "ok", "The server offers TLS; the mode disable does not use it, on this machine's own net"
            )
        return Finding(
            "tls",
            "warning",
            "The server offers TLS, and the mode disable does not use it: password and data travel in clear",
            "Choose the TLS mode require, or verify-full where you have the root certificate",
            _facts(offer),
        )
    if offer.broken:
        return _broken(target, offer)
    return _certified(target, offer, now)


def _no_tls(target: Target, local: bool) -> Finding:
    if target.sslmode in _MUST:
        return Finding(
            "tls",
            "failed",
            f"The server offers no TLS, and the mode {target.sslmode} needs it",
            "Turn TLS on at the server (ssl = on, ssl_cert_file, ssl_key_file), or choose prefer and send all in clear",
        )
    if local:
        return Finding("tls", "ok", "The server offers no TLS; nothing leaves this machine")
    return Finding(
        "tls",
        "warning",
        "The server offers no TLS: password and data travel in clear",
        "Turn TLS on at the server: ssl = on with ssl_cert_file and ssl_key_file, then SELECT pg_reload_conf()",
    )


def _stranger(target: Target, offer: Offer) -> Finding:
    if offer.said.startswith(b"E"):
        words = offer.said[5:].decode("utf-8", "replace").replace("\0", " ").strip()
        return Finding("tls", "failed", f"The server answers with an error before anything was asked: {words}",
                       "Look at the server's log: it cannot start another process, or is a very old one")  # fmt: skip
    # What follows an S in the same breath was said before TLS: SSH's greeting starts with one.
    cause = not_postgresql(target, service(offer.said))
    said = offer.said[:60].decode("ascii", "replace")
    return Finding("tls", "failed", cause.message, cause.fix, said, cause.code)


def _silent(target: Target) -> Finding:
    return Finding(
        "tls",
        "failed",
        f"{target.place} takes connections and says nothing for {_TLS_S:.0f} s: this is no PostgreSQL, or it hangs",
        f"Check that PostgreSQL listens on port {target.port}, and look at the server's load and log",
        code="ETIMEDOUT",
    )


def _broken(target: Target, offer: Offer) -> Finding:
    if offer.roots:
        return Finding("tls", _status(target), f"The root certificate cannot be used: {offer.broken}",
                       "Give a readable PEM file, of lines from BEGIN CERTIFICATE to END CERTIFICATE")  # fmt: skip
    if "certificate required" in offer.broken or "handshake failure" in offer.broken:
        cause = client_certificate(target)
        return Finding("tls", _status(target), cause.message, cause.fix, offer.broken)
    return Finding(
        "tls",
        _status(target),
        f"TLS with {target.place} fails: {offer.broken}",
        "Allow TLS 1.2 or newer at the server (ssl_min_protocol_version) and look at its log; a firewall on the way"
        " may end TLS itself",
    )


def _status(target: Target) -> Status:
    return "failed" if target.sslmode in _MUST else "warning"


def _certified(target: Target, offer: Offer, now: datetime) -> Finding:
    mode, found = target.sslmode, offer.certificate
    facts = _facts(offer)
    if mode.startswith("verify") and offer.distrust is None:
        return Finding("tls", "failed", f"The root certificate {offer.roots} does not exist, and {mode} needs it",
                       roots_fix(target), facts)  # fmt: skip
    if offer.distrust:
        return _distrusted(target, offer, now)
    if found is None:
        return Finding("tls", "ok", f"{offer.version}; the certificate cannot be read", detail=facts)
    if mode == "verify-full" and not found.is_for(target.host):
        cause = mismatch(target, ", ".join(found.names) or "nobody")
        return Finding("tls", "failed", cause.message, cause.fix, facts, cause.code)
    days = found.days_left(now)
    proof = {"verify-full": "chain and name verified", "verify-ca": "chain verified, name not looked at"}.get(
        mode, "chain verified, name not looked at" if offer.distrust == "" else "certificate not verified"
    )
    message = f"{offer.version}, {proof}; made out to {', '.join(found.names) or 'nobody'}"
    if days < 0:
        return Finding("tls", "warning", f"{message}. The certificate expired {-days} days ago",
                       "Renew the server's certificate: every mode that verifies refuses it", facts)  # fmt: skip
    if days < _SOON_DAYS:
        return Finding("tls", "warning", f"{message}. The certificate expires in {days} days",
                       "Renew the server's certificate, then SELECT pg_reload_conf()", facts)  # fmt: skip
    return Finding("tls", "ok", f"{message}, good for {days} days", detail=facts)


def _distrusted(target: Target, offer: Offer, now: datetime) -> Finding:
    found, reason = offer.certificate, offer.distrust or ""
    if found is not None and found.days_left(now) < 0:
        message = f"The server's certificate expired on {found.not_after:%Y-%m-%d}"
        fix = "Renew the server's certificate, then SELECT pg_reload_conf()"
    elif "expired" in reason:
        message = f"A certificate in the server's chain, or of {offer.roots}, has expired"
        fix = "Renew the chain at the server, or fetch the authority's new root certificate"
    elif found is not None and found.not_before > now:
        message = f"The server's certificate is not valid before {found.not_before:%Y-%m-%d %H:%M} UTC"
        fix = "Check the clocks of the server and of this machine"
    else:
        who = f"signed by {found.issuer}" if found is not None and not found.self_signed else "signed by itself"
        message = f"The server's certificate does not verify against {offer.roots}: it is {who}"
        fix = roots_fix(target)
    if target.sslmode not in _MUST:
        message += f"; the mode {target.sslmode} then goes on without TLS, in clear"
    return Finding("tls", _status(target), message, fix, f"{reason}; {_facts(offer)}", offer.code)


def _facts(offer: Offer) -> str:
    found = offer.certificate
    parts = [offer.version, offer.cipher]
    if found is not None:
        parts += [
            f"issued by {found.issuer}",
            f"valid until {found.not_after:%Y-%m-%d}",
            f"names {', '.join(found.names)}",
        ]
    return "; ".join(part for part in parts if part)
