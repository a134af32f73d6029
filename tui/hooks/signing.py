"""Signs a webhook as Standard Webhooks 1.0 does: HMAC-SHA256 over id, time and body. Pure.

Source: standardwebhooks.com, "Standard Webhooks specification": the headers webhook-id, webhook-timestamp and
webhook-signature; the secret is in Base64, after whsec_ where it is written in full.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac

_PREFIX = "whsec_"
_SHORTEST = 16


def headers(secret: str | None, id: str, at: int, body: bytes) -> dict[str, str]:
    """Return the headers of a message that is sent at a moment, in whole seconds; ValueError for no such secret."""
    told = {"webhook-id": id, "webhook-timestamp": str(at)}
    if secret is None:
        return told
    signed = hmac.new(key(secret), f"{id}.{at}.".encode() + body, hashlib.sha256).digest()
    return {**told, "webhook-signature": f"v1,{base64.b64encode(signed).decode()}"}


def key(secret: str) -> bytes:
    """Return the bytes of a secret; ValueError where it is not in Base64, or too short to be one."""
    try:
        found = base64.b64decode(secret.strip().removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("not in Base64") from None
    if len(found) < _SHORTEST:
        raise ValueError(f"shorter than {_SHORTEST} bytes")
    return found
