"""Passwords as argon2id hashes, made and checked off the event loop, a few at a time: each takes 64 MiB for a moment."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from domain.passwords import normal

AT_ONCE = 4
_HASHER = PasswordHasher()
"""RFC 9106's second recommended set: 3 passes over 64 MiB, 4 lanes."""


class Passwords:
    """`verified` counts the checks that were made."""

    def __init__(self) -> None:
        self._threads = ThreadPoolExecutor(AT_ONCE, "argon2")
        self._nobodys: str | None = None
        self.verified = 0

    async def hash(self, password: str) -> str:
        return await asyncio.get_running_loop().run_in_executor(self._threads, _HASHER.hash, normal(password))

    async def check(self, hashed: str | None, password: str) -> bool:
        """With None, for an account that is not there, the same work is done, and it is wrong."""
        if self._nobodys is None:  # whoever comes first waits for it, known or not
            self._nobodys = await self.hash("nobody's password")
        right = await asyncio.get_running_loop().run_in_executor(
            self._threads, _is_right, hashed or self._nobodys or "", normal(password)
        )
        self.verified += 1
        return right and hashed is not None

    def is_old(self, hashed: str) -> bool:
        """Made with other parameters than those of today."""
        return _HASHER.check_needs_rehash(hashed)

    def close(self) -> None:
        self._threads.shutdown(wait=False)


def _is_right(hashed: str, password: str) -> bool:
    try:
        return _HASHER.verify(hashed, password)
    except (VerificationError, InvalidHashError):
        return False
