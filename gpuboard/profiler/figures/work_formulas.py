"""Count operations and bytes of matrix products, convolutions and attention.

A multiplication and an addition count as two operations. Bytes are what must be moved at least:
every input is read once and every output written once, caches beyond that are not assumed.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

from gpuboard.profiler.figures.shapes import BYTES, Inputs, Shape, Tensor, broadcast, elements


@dataclasses.dataclass(frozen=True, slots=True)
class Work:
    """What one call computes and moves at least.

    Attributes:
        family: Such as "matrix product".
        flops: Floating-point operations; a multiplication and an addition are two.
        read_bytes: Of inputs; `written_bytes` of outputs.
        dtype: Short name of the type in which it computes.
    """

    family: str
    flops: int
    read_bytes: int
    written_bytes: int
    dtype: str

    @property
    def bytes(self) -> int:
        """Bytes moved at least."""
        return self.read_bytes + self.written_bytes


Formula = Callable[[Inputs], Work | None]

PRODUCT, CONVOLUTION, ATTENTION = "matrix product", "convolution", "attention"
# Families whose operations are what tensor cores are for, and what a model's FLOPs are counted of.
MATRIX_FAMILIES = frozenset((PRODUCT, CONVOLUTION, ATTENTION))


def _product(
    a: Tensor | None, b: Tensor | None, m: int, n: int, k: int, batch: int, bias: Tensor | None
) -> Work | None:
    if a is None or b is None or not a.dtype:
        return None
    out = batch * m * n
    added = bias is not None and bias.elements > 0
    written = 2 if a.dtype == "fp8" else BYTES[a.dtype]  # products of fp8 come out in 16 bits
    return Work(
        PRODUCT,
        2 * out * k + (out if added else 0),
        a.bytes + b.bytes + (bias.bytes if bias is not None else 0),
        out * written,
        a.dtype,
    )


def _plain(first: int, second: int, added: int = -1) -> Formula:
    """Return the formula of (m, k) x (k, n), with or without a batch in front."""

    def work(inputs: Inputs) -> Work | None:
        a, b = inputs.tensor(first), inputs.tensor(second)
        bias = inputs.tensor(added) if added >= 0 else None
        if a is None or b is None or len(a.shape) != len(b.shape) or len(a.shape) not in (2, 3):
            return None
        if a.shape[-1] != b.shape[-2] or a.shape[:-2] != b.shape[:-2]:
            return None
        batch = elements(a.shape[:-2])
        return _product(a, b, a.shape[-2], b.shape[-1], a.shape[-1], batch, bias)

    return work


def _matmul(inputs: Inputs) -> Work | None:
    a, b = inputs.tensor(0), inputs.tensor(1)
    if a is None or b is None or not a.shape or not b.shape:
        return None
    left = a.shape if len(a.shape) > 1 else (1, *a.shape)
    right = b.shape if len(b.shape) > 1 else (*b.shape, 1)
    batch = broadcast((left[:-2], right[:-2]))
    if left[-1] != right[-2] or batch is None:
        return None
    return _product(a, b, left[-2], right[-1], left[-1], elements(batch), None)


def _linear(inputs: Inputs) -> Work | None:
    a, weight = inputs.tensor(0), inputs.tensor(1)
    if a is None or weight is None or len(weight.shape) != 2 or not a.shape:
        return None
    n, k = weight.shape
    if a.shape[-1] != k or not k:
        return None
    return _product(a, weight, a.elements // k, n, k, 1, inputs.tensor(2))


def _vector(matrix: int, vector: int, added: int = -1) -> Formula:
    def work(inputs: Inputs) -> Work | None:
        a, b = inputs.tensor(matrix), inputs.tensor(vector)
        if a is None or b is None or len(b.shape) != 1 or a.shape[-1:] != b.shape:
            return None
        bias = inputs.tensor(added) if added >= 0 else None
        return _product(a, b, elements(a.shape[:-1]), 1, b.shape[0], 1, bias)

    return work


@dataclasses.dataclass(frozen=True, slots=True)
class _Places:
    """Which inputs of a convolution are what; -1 where it has none."""

    stride: int
    padding: int
    dilation: int
    bias: int = 2
    groups: int = -1
    transposed: int = -1
    output_padding: int = -1


def windows(
    sizes: Shape,
    kernel: Shape,
    stride: Shape | None,
    padding: Shape | None,
    dilation: Shape | None,
) -> Shape | None:
    """Return how many places a window takes along each dimension, None where that is not known.

    `(size + 2 padding - dilation (kernel - 1) - 1) // stride + 1`, as torch.nn.Conv2d documents.
    """
    if stride is None or padding is None or dilation is None or len(sizes) != len(kernel):
        return None
    places = []
    for axis, (size, width) in enumerate(zip(sizes, kernel, strict=True)):
        step, pad, gap = (_at(column, axis) for column in (stride, padding, dilation))
        if step < 1:
            return None
        places.append(max((size + 2 * pad - gap * (width - 1) - 1) // step + 1, 0))
    return tuple(places)


def _spread(inputs: Inputs, places: _Places, sizes: Shape, kernel: Shape) -> Shape | None:
    """Return the output of a transposed convolution, as torch.nn.ConvTranspose2d documents it."""
    stride, padding = inputs.numbers(places.stride), inputs.numbers(places.padding)
    dilation = inputs.numbers(places.dilation, (1,)) or (1,)
    more = inputs.numbers(places.output_padding, (0,)) or (0,)
    if stride is None or padding is None:
        return None
    return tuple(
        max(
            (size - 1) * _at(stride, axis)
            - 2 * _at(padding, axis)
            + _at(dilation, axis) * (kernel[axis] - 1)
            + _at(more, axis)
            + 1,
            0,
        )
        for axis, size in enumerate(sizes)
    )


def _at(column: Shape, axis: int) -> int:
    return column[axis] if len(column) > 1 else column[0] if column else 0


def _convolution(places: _Places, *, always_transposed: bool = False) -> Formula:
    """Return the formula of a convolution: two operations for each output and weight under it.

    Transposed ones scatter instead of gather: two for each input and weight over it.
    """

    def work(inputs: Inputs) -> Work | None:
        x, weight = inputs.tensor(0), inputs.tensor(1)
        if x is None or weight is None or not x.dtype or len(x.shape) != len(weight.shape):
            return None
        if always_transposed or inputs.flag(places.transposed):
            spatial = _spread(inputs, places, x.shape[2:], weight.shape[2:])
            groups = inputs.numbers(places.groups, (1,)) or (1,)
            channels, pairs = weight.shape[1] * groups[0], x.elements
        else:
            spatial = windows(
                x.shape[2:],
                weight.shape[2:],
                inputs.numbers(places.stride),
                inputs.numbers(places.padding),
                inputs.numbers(places.dilation, (1,)),
            )
            channels = weight.shape[0]
            pairs = x.shape[0] * channels * elements(spatial or ())
        if not spatial:
            return None
        out = x.shape[0] * channels * elements(spatial)
        flops = 2 * pairs * elements(weight.shape[1:])
        bias = inputs.tensor(places.bias) if places.bias >= 0 else None
        added = bias is not None and bias.elements > 0
        return Work(
            CONVOLUTION,
            flops + (out if added else 0),
            x.bytes + weight.bytes + (bias.bytes if bias is not None else 0),
            out * BYTES[x.dtype],
            x.dtype,
        )

    return work


def _convolution_backward(inputs: Inputs) -> Work | None:
    """Count one product for each gradient that was asked for: of the input, of the weight."""
    return _gradients(inputs, *(inputs.tensor(place) for place in range(3)))


def _old_convolution_backward(inputs: Inputs) -> Work | None:
    return _gradients(inputs, *(inputs.tensor(place) for place in (1, 0, 2)))


def _gradients(
    inputs: Inputs, grad: Tensor | None, x: Tensor | None, weight: Tensor | None
) -> Work | None:
    if grad is None or x is None or weight is None or not x.dtype:
        return None
    small = x if inputs.flag(7) else grad
    once = 2 * small.elements * elements(weight.shape[1:])
    wanted = inputs.flags(10) or (True, True, False)
    flops = read = written = 0
    if wanted[0]:
        flops, read, written = once, grad.bytes + weight.bytes, x.bytes
    if len(wanted) > 1 and wanted[1]:
        flops, read, written = flops + once, read + grad.bytes + x.bytes, written + weight.bytes
    if len(wanted) > 2 and wanted[2]:
        channels = grad.shape[1] if len(grad.shape) > 1 else 0
        flops, written = flops + grad.elements, written + channels * BYTES[x.dtype]
    return Work(CONVOLUTION, flops, read, written, x.dtype)


def _attention(causal: int, *, query: int = 0, heads_second: bool = True) -> Formula:
    """Return the formula of the forward pass: two products, `4 B H Sq Skv d`.

    Halved under a causal mask, as by FlashAttention (Dao 2023, section 4.1). Softmax is not
    counted; scores are not moved.
    """

    def work(inputs: Inputs) -> Work | None:
        sizes = _heads(inputs, query, heads_second=heads_second)
        if sizes is None:
            return None
        q, k, v, batch, heads, length, other = sizes
        flops = 2 * batch * heads * length * other * (q.shape[-1] + v.shape[-1])
        masked = inputs.flag(causal) or inputs.numbers(causal) in _CAUSAL_MASKS
        if masked and length == other:
            flops //= 2
        out = q.elements // q.shape[-1] * v.shape[-1] * BYTES[q.dtype]
        return Work(ATTENTION, flops, q.bytes + k.bytes + v.bytes, out, q.dtype)

    return work


def _attention_backward(causal: int, *, heads_second: bool = True) -> Formula:
    """Return the formula of the backward pass: five products where the forward pass has two.

    Scores are computed anew (FlashAttention). Reads q, k, v, output and its gradient, writes the
    gradients of q, k, v.
    """
    forward = _attention(causal, query=1, heads_second=heads_second)

    def work(inputs: Inputs) -> Work | None:
        once = forward(inputs)
        if once is None:
            return None
        return Work(
            ATTENTION,
            once.flops * 5 // 2,
            once.read_bytes + 2 * once.written_bytes,
            once.read_bytes,
            once.dtype,
        )

    return work


def _heads(
    inputs: Inputs, query: int, *, heads_second: bool
) -> tuple[Tensor, Tensor, Tensor, int, int, int, int] | None:
    q, k, v = (inputs.tensor(query + place) for place in range(3))
    if q is None or k is None or v is None or not q.dtype or not q.shape or not q.shape[-1]:
        return None
    # Sequences of several lengths are packed into three dimensions: their lengths are not told.
    if not len(q.shape) == len(k.shape) == len(v.shape) == 4:
        return None
    batch = q.shape[0]
    length, heads = (q.shape[2], q.shape[1]) if heads_second else (q.shape[1], q.shape[2])
    other = k.shape[2] if heads_second else k.shape[1]
    return q, k, v, batch, heads, length, other


# Of `custom_mask_type` in aten::_efficient_attention_forward: causal from either corner.
_CAUSAL_MASKS = ((1,), (2,))

_MODERN = _Places(stride=3, padding=4, dilation=5, transposed=6, output_padding=7, groups=8)
_PLAIN = _Places(stride=3, padding=4, dilation=5, groups=6)
_TRANSPOSED = _Places(stride=3, padding=4, dilation=7, output_padding=5, groups=6)
_CUDNN = _Places(stride=3, padding=2, dilation=4, bias=-1, groups=5)
_CUDNN_TRANSPOSED = _Places(stride=4, padding=2, dilation=5, bias=-1, output_padding=3, groups=6)
_VENDOR = _Places(stride=4, padding=3, dilation=5, groups=6)
_SLOW = _Places(stride=4, padding=5, dilation=6, bias=3)

HEAVY: Mapping[str, Formula] = {
    "aten::mm": _plain(0, 1),
    "aten::_int_mm": _plain(0, 1),
    "aten::_scaled_mm": _plain(0, 1),
    "aten::bmm": _plain(0, 1),
    "aten::addmm": _plain(1, 2, 0),
    "aten::_addmm_activation": _plain(1, 2, 0),
    "aten::baddbmm": _plain(1, 2, 0),
    "aten::matmul": _matmul,
    "aten::linear": _linear,
    "vllm::rocm_unquantized_gemm": _linear,
    "aten::mv": _vector(0, 1),
    "aten::addmv": _vector(1, 2, 0),
    "aten::dot": _vector(0, 1),
    "aten::vdot": _vector(0, 1),
    "aten::convolution": _convolution(_MODERN),
    "aten::_convolution": _convolution(_MODERN),
    "aten::conv1d": _convolution(_PLAIN),
    "aten::conv2d": _convolution(_PLAIN),
    "aten::conv3d": _convolution(_PLAIN),
    "aten::conv_transpose1d": _convolution(_TRANSPOSED, always_transposed=True),
    "aten::conv_transpose2d": _convolution(_TRANSPOSED, always_transposed=True),
    "aten::conv_transpose3d": _convolution(_TRANSPOSED, always_transposed=True),
    "aten::cudnn_convolution": _convolution(_CUDNN),
    "aten::cudnn_convolution_relu": _convolution(_PLAIN),
    "aten::cudnn_convolution_transpose": _convolution(_CUDNN_TRANSPOSED, always_transposed=True),
    "aten::miopen_convolution": _convolution(_VENDOR),
    "aten::mkldnn_convolution": _convolution(_VENDOR),
    "aten::miopen_depthwise_convolution": _convolution(_VENDOR),
    "aten::_conv_depthwise2d": _convolution(_SLOW),
    "aten::_slow_conv2d_forward": _convolution(_SLOW),
    "aten::thnn_conv2d": _convolution(_SLOW),
    "aten::convolution_backward": _convolution_backward,
    "aten::cudnn_convolution_backward": _old_convolution_backward,
    "aten::miopen_convolution_backward": _old_convolution_backward,
    "aten::scaled_dot_product_attention": _attention(5),
    "aten::_scaled_dot_product_flash_attention": _attention(4),
    "aten::_scaled_dot_product_flash_attention_for_cpu": _attention(4),
    "aten::_scaled_dot_product_efficient_attention": _attention(6),
    "aten::_scaled_dot_product_cudnn_attention": _attention(6),
    "aten::_flash_attention_forward": _attention(8, heads_second=False),
    "aten::_efficient_attention_forward": _attention(9, heads_second=False),
    "flash_attn::_flash_attn_forward": _attention(5, heads_second=False),
    "aten::_scaled_dot_product_flash_attention_backward": _attention_backward(10),
    "aten::_scaled_dot_product_flash_attention_for_cpu_backward": _attention_backward(7),
    "aten::_scaled_dot_product_efficient_attention_backward": _attention_backward(11),
    "aten::_scaled_dot_product_cudnn_attention_backward": _attention_backward(14),
    "aten::_flash_attention_backward": _attention_backward(11, heads_second=False),
    "aten::_efficient_attention_backward": _attention_backward(14, heads_second=False),
    "flash_attn::_flash_attn_backward": _attention_backward(11, heads_second=False),
}
