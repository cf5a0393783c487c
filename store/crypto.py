"""Envelope encryption of personal data and secrets, and the keyed hashes by which they are found.

Each workspace has its own random data keys; they are stored sealed under the installation's secret
(FRONTDESK_SECRET_KEY, newest first, comma-separated while an old one is being retired). A sealed value is
bound to its workspace and column: moved elsewhere it does not open. Losing the secret loses the data.
"""

import hmac
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_VERSION = 1
_NONCE = 12


class Unreadable(Exception):
    """A sealed value does not open: the secret changed, or the value was moved or damaged."""


@dataclass(frozen=True, slots=True)
class MasterKey:
    """A key made from one installation secret. `id` names it without giving it away."""

    id: str
    _key: bytes = field(repr=False)

    @classmethod
    def from_secret(cls, secret: str) -> "MasterKey":
        key = HKDF(SHA256(), 32, salt=None, info=b"frontdesk master key v1").derive(secret.encode())
        return cls(sha256(key).hexdigest()[:12], key)

    def seal(self, workspace_id: UUID, plain: bytes) -> bytes:
        return _seal(self._key, plain, workspace_id.bytes)

    def open(self, workspace_id: UUID, sealed: bytes) -> bytes:
        return _open(self._key, sealed, workspace_id.bytes)

    def derive(self, purpose: str) -> bytes:
        """A key of 32 bytes for this one purpose; it says nothing about any other."""
        return HKDF(SHA256(), 32, salt=None, info=f"frontdesk {purpose} v1".encode()).derive(self._key)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A workspace's key as it is stored."""

    id: int
    purpose: str
    sealed: bytes
    sealed_by: str
    settled: bool = True
    """Every process has had the time to load it, so values may be sealed with it."""


class Keyring:
    """The installation's secrets, newest first: new things are sealed with the first, old ones open with any."""

    def __init__(self, secrets: Sequence[str]) -> None:
        if not secrets or not all(secrets):
            raise ValueError("FRONTDESK_SECRET_KEY is empty; any long random string will do, but keep it")
        self._masters = [MasterKey.from_secret(secret) for secret in secrets]

    def new_keys(self, workspace_id: UUID) -> list[SealedKey]:
        """The keys a new workspace starts with: one for data, one for finding it."""
        return [self.new_key(workspace_id, 1, "data"), self.new_key(workspace_id, 2, "index")]

    def new_key(self, workspace_id: UUID, key_id: int, purpose: str) -> SealedKey:
        master = self._masters[0]
        return SealedKey(key_id, purpose, master.seal(workspace_id, os.urandom(32)), master.id)

    def derived(self, purpose: str) -> dict[str, bytes]:
        """name of the secret → its key for this purpose, newest first: sign with the first, believe any."""
        return {master.id: master.derive(purpose) for master in self._masters}

    def reseal(self, workspace_id: UUID, key: SealedKey) -> SealedKey | None:
        """The same key under the newest secret; None when it already is."""
        master = self._masters[0]
        if key.sealed_by == master.id:
            return None
        return SealedKey(
            key.id, key.purpose, master.seal(workspace_id, self._open(workspace_id, key)), master.id
        )

    def vault(self, workspace_id: UUID, keys: Sequence[SealedKey]) -> "Vault":
        opened = {key.id: self._open(workspace_id, key) for key in keys}
        index = next(opened[key.id] for key in keys if key.purpose == "index")
        data = {key.id: opened[key.id] for key in keys if key.purpose == "data"}
        settled = [key.id for key in keys if key.purpose == "data" and key.settled]
        return Vault(workspace_id, data, index, max(settled, default=min(data)))

    def _open(self, workspace_id: UUID, key: SealedKey) -> bytes:
        for master in self._masters:
            if master.id == key.sealed_by:
                return master.open(workspace_id, key.sealed)
        raise Unreadable(
            f"workspace {workspace_id}: its keys are sealed by a secret that is not in FRONTDESK_SECRET_KEY"
        )


class Vault:
    """One workspace's keys, open. `current` is the data key that new values are sealed with."""

    def __init__(self, workspace_id: UUID, data: Mapping[int, bytes], index: bytes, current: int) -> None:
        self._aad = workspace_id.bytes
        self._data = data
        self._current = current
        self._index = index

    def seal(self, column: str, text: str) -> bytes:
        """`column` is "table.column"; the same name must be given to open it."""
        return self.seal_bytes(column, text.encode("utf-8", "replace"))

    def open(self, column: str, sealed: bytes) -> str:
        return self.open_bytes(column, sealed).decode()

    def seal_bytes(self, column: str, plain: bytes) -> bytes:
        key = self._data[self._current]
        return self._current.to_bytes(2, "big") + _seal(key, plain, self._aad + column.encode())

    def open_bytes(self, column: str, sealed: bytes) -> bytes:
        key = self._data.get(int.from_bytes(sealed[:2], "big"))
        if key is None:
            raise Unreadable(f"{column}: sealed by a data key that is gone")
        return _open(key, sealed[2:], self._aad + column.encode())

    def seal_maybe(self, column: str, text: str | None) -> bytes | None:
        return None if text is None else self.seal(column, text)

    def open_maybe(self, column: str, sealed: bytes | None) -> str | None:
        return None if sealed is None else self.open(column, sealed)

    def hash(self, scheme: str, value: str) -> bytes:
        """The keyed hash under which a value is found. Equal only within a workspace and a scheme."""
        return hmac.digest(self._index, f"{scheme}\0{value}".encode(), "sha256")


def _seal(key: bytes, plain: bytes, aad: bytes) -> bytes:
    nonce = os.urandom(_NONCE)
    return bytes([_VERSION]) + nonce + AESGCM(key).encrypt(nonce, plain, aad)


def _open(key: bytes, sealed: bytes, aad: bytes) -> bytes:
    if len(sealed) <= 1 + _NONCE or sealed[0] != _VERSION:
        raise Unreadable("not a sealed value")
    try:
        return AESGCM(key).decrypt(sealed[1 : 1 + _NONCE], sealed[1 + _NONCE :], aad)
    except InvalidTag:
        raise Unreadable("the value does not open with this key, in this place") from None
