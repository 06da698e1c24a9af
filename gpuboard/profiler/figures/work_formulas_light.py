"""Count operations and bytes of what memory binds: norms, elementwise, reductions, copies.

Each arithmetic function of an element counts as one operation, whatever it costs; copies and
look-ups compute nothing.
"""

from __future__ import annotations

from collections.abc import Mapping

from gpuboard.profiler.figures.shapes import BYTES, Inputs, Tensor, broadcast
from gpuboard.profiler.figures.work_formulas import HEAVY, Formula, Work, windows

NORM, ELEMENTWISE, REDUCTION = "normalisation", "elementwise", "reduction"
SOFTMAX, COPY, LOOK_UP, POOLING, OPTIMIZER = (
    "softmax", "copy", "look-up", "pooling", "optimizer",
)  # fmt: skip


def _norm(flops: int, *, running: bool = False) -> Formula:
    """Return the formula of a norm: reads its input and parameters, writes as much as its input.

    A forward pass takes five operations an element: one for the mean, two for the squares, two to
    scale and shift. Running statistics, inputs 3 and 4, are written too when training, and take
    six operations a channel.
    """

    def work(inputs: Inputs) -> Work | None:
        x = inputs.tensor(0)
        if x is None or not x.dtype:
            return None
        parameters = [one for one in inputs.tensors[1:] if one.dtype]
        kept = [] if not running else [one for one in parameters[2:4] if one.elements]
        if running and inputs.flag(5) is False:
            kept = []
        channels = kept[0].elements if kept else 0
        written = x.bytes + sum(one.bytes for one in kept)
        read = x.bytes + sum(one.bytes for one in parameters)
        return Work(NORM, flops * x.elements + 6 * channels, read, written, x.dtype)

    return work


def _norm_backward(inputs: Inputs) -> Work | None:
    """Count nine operations an element: the normalised input 2, two sums 3, the gradient 4."""
    grad, x = inputs.tensor(0), inputs.tensor(1)
    if grad is None or x is None or not x.dtype:
        return None
    parameters = [one for one in inputs.tensors[2:] if one.dtype]
    read = grad.bytes + x.bytes + sum(one.bytes for one in parameters)
    weights = 2 * min((one.bytes for one in parameters), default=0)
    return Work(NORM, 9 * x.elements, read, x.bytes + weights, x.dtype)


def _elementwise(tensors: int, flops: int = 1, *, out: str = "", also: int = 0) -> Formula:
    """Return the formula of a function of each element.

    Args:
        tensors: How many of the inputs are read; a further one is where the result goes.
        flops: Operations an element.
        out: Type of the result where it is not that of the inputs.
        also: Bytes an element of a second output, such as a mask.
    """

    def work(inputs: Inputs) -> Work | None:
        read = [one for one in inputs.tensors if one.dtype][:tensors]
        shape = broadcast([one.shape for one in read])
        if not read or shape is None:
            return None
        widest = _promoted(read)
        result = Tensor(shape, out or widest)
        written = result.bytes + also * result.elements
        moved = sum(one.bytes for one in read)
        return Work(ELEMENTWISE, flops * result.elements, moved, written, widest)

    return work


def _promoted(tensors: list[Tensor]) -> str:
    """Return the type of a result: tensors without dimensions give way, then fractions win."""
    whole = [one for one in tensors if one.shape] or tensors
    return max((one.dtype for one in whole), key=_rank)


def _rank(dtype: str) -> tuple[bool, int]:
    return dtype.startswith(("fp", "bf", "complex")), BYTES[dtype]


def _lists(read: int, written: int, flops: int) -> Formula:
    """Return the formula of a step over lists of tensors, as optimizers take them.

    Args:
        read: How many of the lists are read.
        written: How many of them, the first, are written too.
        flops: Operations for each element of the first list.
    """

    def work(inputs: Inputs) -> Work | None:
        lists = [group for group in inputs.lists[:read] if group]
        if not lists or any(not one.dtype for group in lists for one in group):
            return None
        sizes = [sum(one.bytes for one in group) for group in lists]
        count = sum(one.elements for one in lists[0])
        return Work(OPTIMIZER, flops * count, sum(sizes), sum(sizes[:written]), lists[0][0].dtype)

    return work


def _copy(inputs: Inputs) -> Work | None:
    target, source = inputs.tensor(0), inputs.tensor(1)
    if target is None or source is None or not target.dtype or not source.dtype:
        return None
    return Work(COPY, 0, source.bytes, target.bytes, target.dtype)


def _same(inputs: Inputs) -> Work | None:
    x = inputs.tensor(0)
    return None if x is None or not x.dtype else Work(COPY, 0, x.bytes, x.bytes, x.dtype)


def _filled(inputs: Inputs) -> Work | None:
    x = inputs.tensor(0)
    return None if x is None or not x.dtype else Work(COPY, 0, 0, x.bytes, x.dtype)


def _joined(inputs: Inputs) -> Work | None:
    parts = inputs.lists[0] if inputs.lists else ()
    if len(parts) < 2 or any(not one.dtype for one in parts):
        return None
    size = sum(one.bytes for one in parts)
    return Work(COPY, 0, size, size, parts[0].dtype)


def _reduction(flops: int = 1, *, axes: int = 1, out: str = "") -> Formula:
    """Return the formula of a reduction over the dimensions in input `axes`, or over all."""

    def work(inputs: Inputs) -> Work | None:
        x = inputs.tensor(0)
        if x is None or not x.dtype:
            return None
        left = 1
        places = inputs.numbers(axes)
        if places and x.shape:
            gone = {place % len(x.shape) for place in places}
            left = Tensor(
                tuple(size for place, size in enumerate(x.shape) if place not in gone), x.dtype
            ).elements
        written = left * BYTES[out or x.dtype]
        return Work(REDUCTION, flops * x.elements, x.bytes, written, x.dtype)

    return work


def _softmax(inputs: Inputs) -> Work | None:
    """Count five operations an element: maximum, difference, exponential, sum, quotient."""
    x = inputs.tensor(0)
    if x is None or not x.dtype:
        return None
    return Work(SOFTMAX, 5 * x.elements, x.bytes, x.bytes, x.dtype)


def _softmax_backward(inputs: Inputs) -> Work | None:
    """Count four operations an element: product, sum, difference, product."""
    grad, y = inputs.tensor(0), inputs.tensor(1)
    if grad is None or y is None or not y.dtype:
        return None
    return Work(SOFTMAX, 4 * y.elements, grad.bytes + y.bytes, y.bytes, y.dtype)


def _embedding(inputs: Inputs) -> Work | None:
    table, places = inputs.tensor(0), inputs.tensor(1)
    if table is None or places is None or len(table.shape) != 2 or not table.dtype:
        return None
    rows = places.elements * table.shape[1] * BYTES[table.dtype]
    return Work(LOOK_UP, 0, rows + places.bytes, rows, table.dtype)


def _embedding_backward(inputs: Inputs) -> Work | None:
    grad, places = inputs.tensor(0), inputs.tensor(1)
    size = inputs.numbers(2)
    if grad is None or places is None or size is None or not grad.dtype or not grad.shape:
        return None
    table = size[0] * grad.shape[-1] * BYTES[grad.dtype]
    return Work(LOOK_UP, grad.elements, grad.bytes + places.bytes, table, grad.dtype)


def _gathered(inputs: Inputs) -> Work | None:
    x, places = inputs.tensor(0), inputs.tensor(2)
    if x is None or places is None or not x.dtype:
        return None
    out = places.elements * BYTES[x.dtype]
    return Work(LOOK_UP, 0, out + places.bytes, out, x.dtype)


def _selected(inputs: Inputs) -> Work | None:
    x, axis, places = inputs.tensor(0), inputs.numbers(1), inputs.tensor(2)
    if x is None or axis is None or places is None or not x.dtype or not x.shape:
        return None
    row = x.bytes // max(x.shape[axis[0] % len(x.shape)], 1)
    out = row * places.elements
    return Work(LOOK_UP, 0, out + places.bytes, out, x.dtype)


def _pooling(*, dilated: bool, also: int) -> Formula:
    def work(inputs: Inputs) -> Work | None:
        x, kernel = inputs.tensor(0), inputs.numbers(1)
        if x is None or not x.dtype or not kernel or len(x.shape) < 3:
            return None
        sizes = x.shape[2:]
        kernel = kernel * len(sizes) if len(kernel) == 1 else kernel
        stride, padding = inputs.numbers(2) or kernel, inputs.numbers(3, (0,))
        dilation = inputs.numbers(4, (1,)) if dilated else (1,)
        spatial = windows(sizes, kernel, stride, padding, dilation)
        if spatial is None:
            return None
        out = Tensor((*x.shape[:2], *spatial), x.dtype)
        flops = out.elements * Tensor(kernel, x.dtype).elements
        return Work(POOLING, flops, x.bytes, out.bytes + also * out.elements, x.dtype)

    return work


def _pooling_backward(inputs: Inputs) -> Work | None:
    grad, x, places = inputs.tensor(0), inputs.tensor(1), inputs.tensor(7)
    if grad is None or x is None or not x.dtype:
        return None
    read = grad.bytes + (places.bytes if places is not None else 0)
    return Work(POOLING, grad.elements, read, x.bytes, x.dtype)


_UNARY = (
    "abs neg exp exp2 expm1 log log2 log10 log1p sqrt rsqrt reciprocal sin cos tan asin acos atan "
    "sinh cosh tanh erf erfc erfinv sigmoid logit relu relu6 gelu silu mish elu selu celu "
    "leaky_relu hardtanh hardswish hardsigmoid softplus threshold clamp clamp_min clamp_max ceil "
    "floor round trunc frac sign square bitwise_not rrelu tril triu nan_to_num bernoulli cumsum"
)
_BINARY = (
    "add sub rsub mul div true_divide floor_divide remainder fmod pow maximum minimum fmax fmin "
    "atan2 hypot bitwise_and bitwise_or bitwise_xor masked_fill lerp "
    "threshold_backward gelu_backward silu_backward sigmoid_backward tanh_backward elu_backward "
    "leaky_relu_backward hardtanh_backward hardswish_backward native_dropout_backward "
    "prelu mse_loss"
)
_COMPARISON = "eq ne lt le gt ge logical_and logical_or logical_xor"
_TEST = "isnan isinf isfinite logical_not"
_REDUCED = "sum nansum mean amax amin prod var std logsumexp max min"
_PLACES = "argmax argmin"
_NORMS = "layer_norm native_layer_norm group_norm native_group_norm"
_RMS_NORMS = "rms_norm _fused_rms_norm"
_BATCH_NORMS = (
    "batch_norm native_batch_norm cudnn_batch_norm miopen_batch_norm _batch_norm_with_update "
    "_batch_norm_impl_index"
)
_NORMS_BACKWARD = (
    "native_layer_norm_backward native_group_norm_backward native_batch_norm_backward "
    "cudnn_batch_norm_backward miopen_batch_norm_backward batch_norm_backward "
    "_fused_rms_norm_backward"
)


def _all(names: str, formula: Formula) -> dict[str, Formula]:
    """Return the formula for each name, and for the variant of it that works in place."""
    found = {f"aten::{name}": formula for name in names.split()}
    return found | {f"{name}_": one for name, one in found.items()}


FORMULAS: Mapping[str, Formula] = {
    **HEAVY,
    **_all(_UNARY, _elementwise(1)),
    **_all(_BINARY, _elementwise(2)),
    **_all("addcmul addcdiv", _elementwise(3, 3)),
    **_all("where", _elementwise(3)),
    **_all(_COMPARISON, _elementwise(2, out="bool")),
    **_all(_TEST, _elementwise(1, out="bool")),
    **_all("native_dropout fused_dropout", _elementwise(1, 2, also=1)),
    **_all("dropout", _elementwise(1, 2)),
    **_all(_REDUCED, _reduction()),
    **_all("norm linalg_vector_norm", _reduction(2, axes=2)),
    **_all(_PLACES, _reduction(out="int64")),
    **_all(_NORMS, _norm(5)),
    **_all(_RMS_NORMS, _norm(4)),
    **_all(_BATCH_NORMS, _norm(5, running=True)),
    **_all(_NORMS_BACKWARD, _norm_backward),
    **_all("softmax log_softmax _softmax _log_softmax", _softmax),
    **_all("_softmax_backward_data _log_softmax_backward_data", _softmax_backward),
    **_all("fill zero", _filled),
    "aten::copy_": _copy,
    **_all("clone contiguous", _same),
    "aten::cat": _joined,
    "aten::stack": _joined,
    "aten::embedding": _embedding,
    "aten::embedding_dense_backward": _embedding_backward,
    "aten::gather": _gathered,
    "aten::index_select": _selected,
    "aten::max_pool2d_with_indices": _pooling(dilated=True, also=8),
    "aten::max_pool2d": _pooling(dilated=True, also=0),
    "aten::avg_pool2d": _pooling(dilated=False, also=0),
    "aten::max_pool2d_with_indices_backward": _pooling_backward,
    # Parameters, gradients and two moments are read; all but gradients are written.
    "aten::_fused_adam_": _lists(4, 3, 13),
    "aten::_fused_adamw_": _lists(4, 3, 15),
    "aten::_fused_sgd_": _lists(3, 2, 6),
    **_all("_foreach_add _foreach_sub _foreach_mul _foreach_div", _lists(2, 1, 1)),
    **_all("_foreach_addcmul _foreach_addcdiv", _lists(3, 1, 3)),
    **_all("_foreach_lerp", _lists(2, 1, 3)),
    **_all("_foreach_sqrt _foreach_neg _foreach_zero", _lists(1, 1, 1)),
}
