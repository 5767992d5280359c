"""Writes ONNX files, as little of the format as the tests need (field numbers of onnx.proto3, IR 8, opset 17).

The package onnx would do it, but it is not in the model's environment and pins protobuf.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

FLOAT, INT64 = 1, 7
OPSET = 17
_VARINT, _BYTES = 0, 2


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 127:
        out.append(value & 127 | 128)
        value >>= 7
    return bytes([*out, value])


def _field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return _varint(number << 3 | _VARINT) + _varint(value)
    data = value.encode() if isinstance(value, str) else value
    return _varint(number << 3 | _BYTES) + _varint(len(data)) + data


def _message(*fields: tuple[int, int | str | bytes]) -> bytes:
    return b"".join(_field(number, value) for number, value in fields)


def _value_info(name: str, kind: int, dims: Sequence[int | str]) -> bytes:
    shape = b"".join(_field(1, _message((1, dim) if isinstance(dim, int) else (2, dim))) for dim in dims)
    return _message((1, name), (2, _field(1, _message((1, kind), (2, shape)))))


@dataclass(slots=True)
class Graph:
    """A graph that is put together node by node; ``node`` and ``constant`` return the name of what they make."""

    inputs: list[bytes] = field(default_factory=list)
    outputs: list[bytes] = field(default_factory=list)
    nodes: list[bytes] = field(default_factory=list)
    constants: list[bytes] = field(default_factory=list)

    def input(self, name: str, kind: int, *dims: int | str) -> str:
        self.inputs.append(_value_info(name, kind, dims))
        return name

    def output(self, name: str, kind: int, *dims: int | str) -> None:
        self.outputs.append(_value_info(name, kind, dims))

    def constant(self, value: NDArray[np.generic] | float | int) -> str:
        array = np.asarray(value)
        array = array.astype(np.float32 if array.dtype.kind == "f" else np.int64)
        name = f"c{len(self.constants)}"
        kind = FLOAT if array.dtype == np.float32 else INT64
        dims = b"".join(_field(1, dim) for dim in array.shape)
        self.constants.append(dims + _message((2, kind), (8, name), (9, array.tobytes())))
        return name

    def node(self, kind: str, inputs: Iterable[str], output: str = "", **attributes: int) -> str:
        output = output or f"n{len(self.nodes)}"
        said = [(5, _message((1, name), (3, value), (20, 2))) for name, value in attributes.items()]
        self.nodes.append(_message(*((1, name) for name in inputs), (2, output), (4, kind), *said))
        return output

    def encode(self) -> bytes:
        graph = _message(
            *((1, node) for node in self.nodes),
            (2, "graph"),
            *((5, constant) for constant in self.constants),
            *((11, entry) for entry in self.inputs),
            *((12, entry) for entry in self.outputs),
        )
        return _message((1, 8), (2, "syrinx tests"), (7, graph), (8, _message((1, ""), (2, OPSET))))
