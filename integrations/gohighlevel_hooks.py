"""What GoHighLevel tells by itself: whether a webhook is theirs, and of whom it speaks.

https://marketplace.gohighlevel.com/docs/webhook/WebhookIntegrationGuide
"""

import base64
import binascii
import json
from collections.abc import Collection
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from domain.errors import BadSignature


@dataclass(frozen=True, slots=True)
class Hook:
    """Something happened to a contact. It names whom to look at; what it says of them is not believed."""

    id: str
    kind: str
    location: str
    contact: str


KINDS = frozenset({"ContactCreate", "ContactUpdate", "ContactDelete", "ContactTagUpdate", "ContactDndUpdate"})


def public_keys(said: str) -> tuple[Ed25519PublicKey, ...]:
    """Base64 of SubjectPublicKeyInfo, comma-separated. Raise ValueError."""
    found = []
    for one in said.replace(",", " ").split():
        try:
            key = load_der_public_key(base64.b64decode(one, validate=True))
        except (ValueError, binascii.Error):
            raise ValueError(f"{one[:12]}… is no public key") from None
        if not isinstance(key, Ed25519PublicKey):
            raise ValueError(f"{one[:12]}… is no Ed25519 key")
        found.append(key)
    return tuple(found)


def verify(keys: Collection[Ed25519PublicKey], signature: str, body: bytes) -> Hook | None:
    """What happened; None for what is signed and no matter of ours. Raise BadSignature. The older X-WH-Signature (RSA) is
    not asked for: GoHighLevel has ended it in 2026."""
    try:
        raw = base64.b64decode(signature, validate=True)
    except (ValueError, binascii.Error):
        raise BadSignature from None
    if not any(_fits(key, raw, body) for key in keys):
        raise BadSignature
    try:
        said = json.loads(body)
    except ValueError:
        return None
    if not isinstance(said, dict) or said.get("type") not in KINDS:
        return None
    contact, location = said.get("contactId") or said.get("id"), said.get("locationId")
    hook = said.get("webhookId") or f"{said['type']} {contact} {said.get('timestamp', '')}"
    if not all(isinstance(one, str) and 0 < len(one) <= 200 for one in (contact, location, hook)):
        return None
    return Hook(str(hook), str(said["type"]), str(location), str(contact))


def _fits(key: Ed25519PublicKey, signature: bytes, body: bytes) -> bool:
    try:
        key.verify(signature, body)
    except InvalidSignature:
        return False
    return True
