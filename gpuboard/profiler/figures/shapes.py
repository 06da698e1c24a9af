"""Read what an operator was called with: shapes, types and values of its inputs."""

from __future__ import annotations

import ast
import dataclasses
import json
import math
from collections.abc import Sequence

Shape = tuple[int, ...]

# Bytes of an element by the short name used here.
BYTES = {
    "fp64": 8, "fp32": 4, "tf32": 4, "fp16": 2, "bf16": 2, "fp8": 1, "int64": 8, "int32": 4,
    "int16": 2, "int8": 1, "bool": 1, "complex64": 8, "complex128": 16, "complex32": 4,
}  # fmt: skip

# As c10::TypeMeta prints them (operators) and as c10::ScalarType does (collectives), lower case.
_SHORT = {
    "double": "fp64", "float": "fp32", "c10::half": "fp16", "half": "fp16",
    "c10::bfloat16": "bf16", "bfloat16": "bf16", "long int": "int64", "long": "int64",
    "long long": "int64", "__int64": "int64", "unsigned long": "int64", "uint64": "int64",
    "int": "int32", "unsigned int": "int32", "uint32": "int32", "short int": "int16",
    "short": "int16", "unsigned short": "int16", "uint16": "int16", "signed char": "int8",
    "char": "int8", "unsigned char": "int8", "byte": "int8", "bool": "bool",
    "c10::complex<float>": "complex64", "complexfloat": "complex64",
    "c10::complex<double>": "complex128", "complexdouble": "complex128",
    "c10::complex<c10::half>": "complex32", "complexhalf": "complex32",
}  # fmt: skip
# Words that stand where an input is no tensor; "Int" and "Bool" are those of 2021.
_NO_TENSOR = frozenset(("", "Scalar", "ScalarList", "None", "Int", "Bool", "Double", "GenericList"))


def dtype_of(word: str) -> str:
    """Return the short name of an element type, such as "bf16", "" for what is none."""
    if word in _NO_TENSOR:
        return ""
    word = word.strip().lower()
    if "float8" in word:
        return "fp8"
    return _SHORT.get(word, "")


def element_bytes(word: str) -> int:
    """Return the bytes of an element of the type that a file calls `word`, 0 if unknown.

    Unlike `dtype_of` this takes the words of collectives, where "Int", "Bool" and "Double" are
    types of elements.
    """
    word = word.strip().lower()
    return 1 if "float8" in word else BYTES.get(_SHORT.get(word, ""), 0)


def elements(shape: Sequence[int]) -> int:
    """Return how many elements a tensor of this shape has."""
    return math.prod(shape)


def broadcast(shapes: Sequence[Shape]) -> Shape | None:
    """Return the shape to which all of them broadcast, None where they do not."""
    length = max((len(shape) for shape in shapes), default=0)
    joined = [1] * length
    for shape in shapes:
        for place, size in enumerate(shape, length - len(shape)):
            if size != 1 and joined[place] not in (1, size):
                return None
            joined[place] = size if joined[place] == 1 else joined[place]
    return tuple(joined)


@dataclasses.dataclass(frozen=True, slots=True)
class Tensor:
    """One tensor among the inputs."""

    shape: Shape
    dtype: str

    @property
    def elements(self) -> int:
        """How many elements it has."""
        return elements(self.shape)

    @property
    def bytes(self) -> int:
        """Bytes of all its elements."""
        return self.elements * BYTES.get(self.dtype, 0)


@dataclasses.dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of one call.

    Attributes:
        lists: For each input the tensors in it: one for a tensor, several for a list, none for
            anything else.
        values: For each input its value as text where it is a number or a list of them; shorter
            than `lists` where the file has no values.
    """

    lists: tuple[tuple[Tensor, ...], ...]
    values: tuple[str, ...]

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """Every tensor among the inputs, in order; lists are opened."""
        return tuple(tensor for group in self.lists for tensor in group)

    def tensor(self, place: int) -> Tensor | None:
        """Return the tensor that is this input, None where it is none."""
        group = self.lists[place] if 0 <= place < len(self.lists) else ()
        return group[0] if len(group) == 1 else None

    def numbers(self, place: int, default: tuple[int, ...] | None = None) -> tuple[int, ...] | None:
        """Return the list of whole numbers that is this input, `default` where there is none."""
        value = self._value(place)
        if isinstance(value, int) and not isinstance(value, bool):
            return (value,)
        if isinstance(value, list) and all(isinstance(one, int) for one in value):
            return tuple(value)
        return default

    def flag(self, place: int) -> bool | None:
        """Return the truth value that is this input, None where there is none."""
        value = self._value(place)
        return value if isinstance(value, bool) else None

    def flags(self, place: int) -> tuple[bool, ...]:
        """Return the list of truth values that is this input, () where there is none."""
        value = self._value(place)
        return tuple(bool(one) for one in value) if isinstance(value, list) else ()

    def _value(self, place: int) -> object:
        text = self.values[place] if 0 <= place < len(self.values) else ""
        try:
            return ast.literal_eval(text) if 0 < len(text) < _LONGEST else None
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            return None


_LONGEST = 4096  # characters of a value: what is longer is no stride, padding or flag


def read_inputs(dims: str, types: str, concrete: str) -> Inputs | None:
    """Return the inputs of a call from the texts of its arguments in the file.

    Args:
        dims: "Input Dims", JSON: a shape, or a list of shapes, for each input.
        types: "Input type", JSON: a word for each input; "" leaves types unknown, and `[]` then is
            no tensor.
        concrete: "Concrete Inputs", JSON: a text for each input, or "".

    Returns:
        None where the texts cannot be read.
    """
    try:
        shapes = json.loads(dims) if dims else []
        words = json.loads(types) if types else []
        values = json.loads(concrete) if concrete else []
    except (ValueError, RecursionError):
        return None
    if not (isinstance(shapes, list) and isinstance(words, list) and isinstance(values, list)):
        return None
    words = [word if isinstance(word, str) else "" for word in words]
    words += [""] * (len(shapes) - len(words)) if words else ["?"] * len(shapes)
    lists = tuple(_tensors(shape, word) for shape, word in zip(shapes, words, strict=False))
    return Inputs(lists, tuple(value if isinstance(value, str) else "" for value in values))


def _tensors(shape: object, word: str) -> tuple[Tensor, ...]:
    if not isinstance(shape, list):
        return ()
    if shape and isinstance(shape[0], list):
        found = (_shape(one) for one in shape)
        return tuple(Tensor(one, _list_dtype(word)) for one in found if one is not None)
    sizes = _shape(shape)
    if sizes is None or (word == "?" and not sizes):
        return ()
    dtype = dtype_of(word)
    return (Tensor(sizes, dtype),) if dtype or sizes else ()


def _list_dtype(word: str) -> str:
    """Return the type of a list's elements: of "TensorList" it is unknown, of "[float]" known."""
    return dtype_of(word.strip("[]").split(",")[0])


def _shape(value: object) -> Shape | None:
    if not isinstance(value, list):
        return None
    sizes = tuple(one for one in value if isinstance(one, int) and 0 <= one < 1 << 48)
    return sizes if len(sizes) == len(value) else None
