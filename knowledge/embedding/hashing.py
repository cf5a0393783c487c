"""Vectors from the letters alone, the same in every process and on every machine: for tests and for offline use."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

DIMENSIONS = 256


class Hashing:
    """Texts that share words and runs of letters are near each other; meaning is not seen."""

    model, dimensions = "hash-1", DIMENSIONS

    async def embed(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        return self.vectors(texts)

    def vectors(self, texts: Sequence[str]) -> "NDArray[np.float32]":
        """Shape (len(texts), 256), of unit length, also for a text without a letter."""
        import numpy as np

        out = np.zeros((len(texts), DIMENSIONS), np.float32)
        for row, text in zip(out, texts, strict=True):
            for piece in _pieces(text):
                place = int.from_bytes(
                    blake2b(piece.encode("utf-8", "replace"), digest_size=4).digest(), "little"
                )
                row[place % DIMENSIONS] += 1 if place & 1 << 31 else -1
            row[0] += not row.any()
            row /= np.linalg.norm(row)
        return out


def _pieces(text: str) -> list[str]:
    words = text.casefold().split()
    whole = [f" {word} " for word in words]
    return whole + [word[start : start + 4] for word in whole for start in range(max(1, len(word) - 3))]
