"""The same model, written once more in the plainest way: what the golden vectors were made with.

Rewrite them with `GOLDEN=rewrite pytest tests/knowledge/test_minilm.py`.
"""

import json
import struct
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.special import erf  # type: ignore[import-untyped]

Floats = NDArray[np.float64]


def tensors(file: Path) -> dict[str, Floats]:
    """Every float32 tensor of a safetensors file, as float64."""
    raw = file.read_bytes()
    size = struct.unpack("<Q", raw[:8])[0]
    header: dict[str, Any] = json.loads(raw[8 : 8 + size])
    return {
        name: np.frombuffer(raw[8 + size :][slice(*one["data_offsets"])], np.float32)
        .reshape(one["shape"])
        .astype(np.float64)
        for name, one in header.items()
        if name != "__metadata__" and one["dtype"] == "F32"
    }


def vector(ids: list[int], w: dict[str, Floats]) -> Floats:
    """One text at a time, without padding, in double precision."""
    return depths(ids, w)[-1]


def depths(ids: list[int], w: dict[str, Floats]) -> list[Floats]:
    """The same before the first layer and after each."""
    words = w["embeddings.word_embeddings.weight"][ids]
    places = w["embeddings.position_embeddings.weight"][: len(ids)]
    kind = w["embeddings.token_type_embeddings.weight"][0]
    states = [_normal(words + places + kind, "embeddings.LayerNorm", w)]
    for number in range(6):
        states.append(_layer(states[-1], f"encoder.layer.{number}", w))
    means = [state.mean(axis=0) for state in states]
    return [np.asarray(mean / np.linalg.norm(mean)) for mean in means]


def _layer(x: Floats, name: str, w: dict[str, Floats]) -> Floats:
    q, k, v = (
        _dense(x, f"{name}.attention.self.{part}", w).reshape(len(x), 12, 32).transpose(1, 0, 2)
        for part in ("query", "key", "value")
    )
    scores = q @ k.transpose(0, 2, 1) / np.sqrt(32)
    weights = np.exp(scores - scores.max(axis=-1, keepdims=True))
    mixed = (weights / weights.sum(axis=-1, keepdims=True) @ v).transpose(1, 0, 2).reshape(len(x), 384)
    x = _normal(
        x + _dense(mixed, f"{name}.attention.output.dense", w), f"{name}.attention.output.LayerNorm", w
    )
    wide = _dense(x, f"{name}.intermediate.dense", w)
    wide = wide * 0.5 * (1 + erf(wide / np.sqrt(2)))
    return _normal(x + _dense(wide, f"{name}.output.dense", w), f"{name}.output.LayerNorm", w)


def _dense(x: Floats, name: str, w: dict[str, Floats]) -> Floats:
    return np.asarray(x @ w[f"{name}.weight"].T + w[f"{name}.bias"])


def _normal(x: Floats, name: str, w: dict[str, Floats]) -> Floats:
    x = x - x.mean(axis=-1, keepdims=True)
    spread = np.sqrt((x * x).mean(axis=-1, keepdims=True) + 1e-12)
    return np.asarray(x / spread * w[f"{name}.weight"] + w[f"{name}.bias"])
