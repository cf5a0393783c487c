"""An ONNX graph written out as protocol buffer, whose weights stay in the file they came in.

Field numbers: https://github.com/onnx/onnx/blob/main/onnx/onnx.proto. Writing these few messages ourselves keeps
the `onnx` package and a file of weights of our own out of the product.
"""

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

FLOAT, INT32, INT64 = 1, 6, 7  # TensorProto.DataType
_EXTERNAL = 1  # TensorProto.DataLocation
_FLOAT_ATTRIBUTE, _INT_ATTRIBUTE, _STRING_ATTRIBUTE, _INTS_ATTRIBUTE = (
    1,
    2,
    3,
    7,
)  # AttributeProto.AttributeType

Attribute = float | int | str | Sequence[int]


@dataclass
class Graph:
    """Nodes in the order in which they run."""

    name: str
    _nodes: list[bytes] = field(default_factory=list)
    _tensors: list[bytes] = field(default_factory=list)
    _inputs: list[bytes] = field(default_factory=list)
    _outputs: list[bytes] = field(default_factory=list)

    def input(self, name: str, kind: int, shape: Sequence[str | int]) -> str:
        self._inputs.append(_value(name, kind, shape))
        return name

    def output(self, name: str, kind: int, shape: Sequence[str | int]) -> None:
        self._outputs.append(_value(name, kind, shape))

    def stored(self, name: str, shape: Sequence[int], file: str, offset: int, length: int) -> str:
        """A tensor of float32 that lies in `file`, `offset` and `length` in bytes."""
        where = {"location": file, "offset": str(offset), "length": str(length)}
        entries = (_message(13, _text(1, key) + _text(2, value)) for key, value in where.items())
        self._tensors.append(_tensor(name, FLOAT, shape) + b"".join(entries) + _number(14, _EXTERNAL))
        return name

    def integers(self, name: str, values: Sequence[int]) -> str:
        raw = struct.pack(f"<{len(values)}q", *values)
        self._tensors.append(_tensor(name, INT64, [len(values)]) + _message(9, raw))
        return name

    def node(
        self, operator: str, inputs: Iterable[str], output: str, domain: str = "", **attributes: Attribute
    ) -> str:
        body = b"".join(_text(1, one) for one in inputs) + _text(2, output) + _text(4, operator)
        body += b"".join(_message(5, _attribute(key, value)) for key, value in attributes.items())
        self._nodes.append(body + (_text(7, domain) if domain else b""))
        return output

    def model(self, opsets: Mapping[str, int], ir_version: int) -> bytes:
        fields = ((1, self._nodes), (5, self._tensors), (11, self._inputs), (12, self._outputs))
        graph = b"".join(_message(number, one) for number, many in fields for one in many)
        imports = (_message(8, _text(1, domain) + _number(2, version)) for domain, version in opsets.items())
        return _number(1, ir_version) + _message(7, graph + _text(2, self.name)) + b"".join(imports)


def _attribute(name: str, value: Attribute) -> bytes:
    match value:
        case float():
            return _text(1, name) + _tag(2, 5) + struct.pack("<f", value) + _number(20, _FLOAT_ATTRIBUTE)
        case int():
            return _text(1, name) + _number(3, value) + _number(20, _INT_ATTRIBUTE)
        case str():
            return _text(1, name) + _text(4, value) + _number(20, _STRING_ATTRIBUTE)
    return _text(1, name) + b"".join(_number(8, one) for one in value) + _number(20, _INTS_ATTRIBUTE)


def _tensor(name: str, kind: int, shape: Sequence[int]) -> bytes:
    return b"".join(_number(1, size) for size in shape) + _number(2, kind) + _text(8, name)


def _value(name: str, kind: int, shape: Sequence[str | int]) -> bytes:
    sizes = (_number(1, size) if isinstance(size, int) else _text(2, size) for size in shape)
    dimensions = b"".join(_message(1, size) for size in sizes)
    tensor = _number(1, kind) + _message(2, dimensions)
    return _text(1, name) + _message(2, _message(1, tensor))


def _message(number: int, body: bytes) -> bytes:
    return _tag(number, 2) + _varint(len(body)) + body


def _text(number: int, value: str) -> bytes:
    return _message(number, value.encode())


def _number(number: int, value: int) -> bytes:
    return _tag(number, 0) + _varint(value & 0xFFFF_FFFF_FFFF_FFFF)


def _tag(number: int, wire: int) -> bytes:
    return _varint(number << 3 | wire)


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])
