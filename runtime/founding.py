"""How a workspace that is made without a file gets its slug."""

import re
import secrets
import unicodedata
from collections.abc import Iterator


def slugs(wished: str | None, name: str) -> Iterator[str]:
    """The wished one only; or some that are made from the name, the plainest first."""
    if wished is not None:
        yield wished
        return
    plain = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode().lower()
    base = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-") or "workspace"
    yield base
    for _ in range(3):
        yield f"{base}-{secrets.token_hex(3)}"
