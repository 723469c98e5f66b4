"""Convolution kernels that keep their sums in vector registers.  Optional: core/layers/conv2d.py is the plain version.

A convolution and both of its gradients are one small product over contiguous arrays, without copies:

    y[q, :] += sum over r, c of x[q, r, c] * w[r, c, :]       q < count, r < rows, c < cols, ":" = all channels of y

    forward           q = output column             r = kernel row  c = (kernel column, channel)  x = x    w = weight
    backward_weight   q = (kernel column, channel)  r = output row  c = output column             x = x    w = d_y
    backward_input    q = output column                             c = output channel            x = d_y  w = weight

A processor adds VECTOR numbers at once, but only in its 16 or 32 registers.  In a plain loop ``y[q, j] += ...`` goes
through memory, because the compiler cannot know that y is not x.  So a *tile* of y (``height`` rows of VECTOR or WIDE
channels) is loaded into registers, summed there over all r and c, and stored.  How: see __init__.py.
"""
# mypy: disable-error-code="attr-defined, no-untyped-def"
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from numba.core import cgutils, config, errors, types
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from . import kernel

FEATURES = (get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES).split(",")
AVX512 = "+avx512f" in FEATURES
VECTOR, SUMS = (16, 20) if AVX512 else (8, 12)       # float32 numbers in a register; registers for sums, of 32 or 16
WIDE = 2 * VECTOR                                   # channels of a tile, if y has as many: x is read half as often
HEIGHTS = (20, 16, 10, 9, 8, 5, 4, 2, 1)            # each is compiled separately; other heights are sums of these
HELD, BLOCK = 64, 128                               # patches, and rows of a weight, that are multiplied at a time
GROUP = 4                                           # addresses that are computed from one: see ``hidden``
TALLEST = np.array([max(tall for tall in HEIGHTS if tall <= max(1, rows)) for rows in range(SUMS + 1)])


def available() -> bool:
    """True if kernels are compiled, and the processor's vectors are wide enough."""
    return not config.DISABLE_JIT and (AVX512 or {"+avx2", "+fma"} <= set(FEATURES))


def supported(channels: int, dtype: npt.DTypeLike) -> bool:
    """True if ``channels`` (O; for ``backward_input`` also stride C and k % stride C) fill whole float32 vectors."""
    return available() and channels % VECTOR == 0 and np.dtype(dtype) == np.float32


def hidden(builder, value):
    """Return ``value``, but hide from LLVM how it was computed: 19 addresses, each from the one before, are slow."""
    return builder.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", (value,), False)


@intrinsic(prefer_literal=True)
def _tile(typing, lanes, height, size, y, y_at, x, x_at, w, w_at):
    """Sum one tile, ``height`` (one of HEIGHTS) by ``lanes`` (a constant); size = (rows, cols), y_at = (first, step),
    x_at = (first, step, row, col): x[q, r, c] is element first + q step + r row + c col; w_at = (first, col)."""
    if any(array.layout != "C" or array.dtype != y.dtype for array in (y, x, w)):
        raise errors.TypingError("register tiles are made of C-contiguous arrays of one dtype")
    width, align = lanes.literal_value, y.dtype.bitwidth // 8            # a vector may begin at any number

    def emit(context, builder, signature, arguments):
        """Write one tile for each height that fits; at run time the requested height is selected."""
        number = context.get_value_type(y.dtype)
        vector, lanes_0 = ir.VectorType(number, width), ir.Constant(ir.VectorType(ir.IntType(32), width), None)
        views = [context.make_array(kind)(context, builder, arguments[i]) for kind, i in ((y, 3), (x, 5), (w, 7))]
        (rows, cols), (y_first, y_step), (x_first, x_step, x_row, x_col), (w_first, w_col) = (
            cgutils.unpack_tuple(builder, arguments[i]) for i in (2, 4, 6, 8))

        def address(kind, view, first, *terms):
            """Return the address of the number at first + sum of step * index over ``terms``."""
            for step, index in terms:
                first = builder.add(first, builder.mul(step, index))
            return builder.bitcast(builder.gep(view.data, [first]), kind.as_pointer())

        def emit_tile(columns):
            """Write y[q, :] += sum over r, c of x[q, r, c] w[r, c, :], with the sums in registers."""
            places = [address(vector, views[0], y_first, (y_step, q)) for q in columns]
            starts = [hidden(builder, builder.add(x_first, builder.mul(x_step, q))) for q in columns[::GROUP]]
            sums = [cgutils.alloca_once(builder, vector) for _ in columns]             # LLVM makes them registers
            for total, place in zip(sums, places):
                builder.store(builder.load(place, align=align), total)
            with cgutils.for_range(builder, rows) as r, cgutils.for_range(builder, cols) as c:
                place = address(vector, views[2], w_first, (w_col, c.index), (builder.mul(w_col, cols), r.index))
                weight = builder.load(place, align=align)                # w[r, c, :]
                for k, total in enumerate(sums):
                    place = address(number, views[1], starts[k // GROUP], (x_row, r.index), (x_col, c.index),
                                    (x_step, x_step.type(k % GROUP)))
                    value = builder.insert_element(ir.Constant(vector, None), builder.load(place), ir.IntType(32)(0))
                    value = builder.shuffle_vector(value, value, lanes_0)              # x[q, r, c] in every lane
                    value = builder.fmul(value, weight, flags=("contract",))           # "contract": with the sum,
                    builder.store(builder.fadd(builder.load(total), value, flags=("contract",)), total)    # at once
            for total, place in zip(sums, places):
                builder.store(builder.load(total), place, align=align)

        for tall in [tall for tall in HEIGHTS if tall * width <= SUMS * VECTOR]:
            with builder.if_then(builder.icmp_signed("==", arguments[1], arguments[1].type(tall))):
                emit_tile([arguments[1].type(q) for q in range(tall)])
        return context.get_dummy_value()

    return types.void(lanes, types.intp, size, y, y_at, x, x_at, w, w_at), emit


@kernel
def contract(count, lanes, size, y, y_at, x, x_at, w, w_at):
    """Compute the product, tile by tile, for any count and any multiple of VECTOR lanes; arguments as in ``_tile``."""
    for at in range(0, lanes, WIDE):
        limit = SUMS // 2 if lanes - at >= WIDE else SUMS
        q, fair = 0, (count - 1) // ((count - 1) // limit + 1) + 1       # fair: equal parts that fit
        while q < count:
            height = TALLEST[min(fair, count - q)]
            y_tile, w_tile = (y_at[0] + q * y_at[1] + at, y_at[1]), (w_at[0] + at, w_at[1])
            x_tile = (x_at[0] + q * x_at[1], x_at[1], x_at[2], x_at[3])
            if lanes - at >= WIDE:
                _tile(WIDE, height, size, y, y_tile, x, x_tile, w, w_tile)
            else:
                _tile(VECTOR, height, size, y, y_tile, x, x_tile, w, w_tile)
            q += height


@kernel
def forward(x, w, b, k, stride, y):
    """Overwrite y (n, h, v, O), from x (n, H, W, C), w (k k C, O) and b (O,)."""
    (n, H, W, C), (_, h, v, O) = x.shape, y.shape
    assert O % VECTOR == 0
    for i, a in np.ndindex(n, h):
        for q in range(v):
            for j in range(O):
                y[i, a, q, j] = b[j]
        x_at = ((i * H + a * stride) * W * C, stride * C, W * C, 1)
        contract(v, O, (k, k * C), y, ((i * h + a) * v * O, O), x, x_at, w, (0, O))


@kernel
def forward_fresh(x, fresh, w, b, k, stride, first, end, y):
    """Overwrite y[first:end] as ``forward`` does; a patch that fresh (n, h, v) does not mark is as a row before."""
    (_, H, W, C), (_, h, v, O) = x.shape, y.shape
    for t in range(first, end):
        assign(y[t - 1].reshape(-1), y[t].reshape(-1))
        for a in range(h):
            q = 0
            while q < v:
                run = q
                while q < v and fresh[t, a, q]:
                    y[t, a, q] = b
                    q += 1
                if q > run:
                    x_at = (((t * H + a * stride) * W + run * stride) * C, stride * C, W * C, 1)
                    contract(q - run, O, (k, k * C), y, (((t * h + a) * v + run) * O, O), x, x_at, w, (0, O))
                q += 1


@kernel
def add_product(x, w, y):
    """Add x w to y (n, O), for x (n, I) and w (I, O); BLOCK rows of w at a time, which stay in the cache."""
    (n, O), I = y.shape, len(w)
    for i in range(0, I, BLOCK):
        contract(n, O, (1, min(BLOCK, I - i)), y, (0, O), x, (i, I, 0, 1), w, (i * O, O))


@kernel
def add_transposed_product(x, d_y, n, d_w):
    """Add x^T d_y to d_w (I, O), of the first n rows of x (m, >= I) and d_y (m, O)."""
    (I, O), step = d_w.shape, x.shape[1]
    for i in range(0, I, BLOCK):
        contract(min(BLOCK, I - i), O, (1, n), d_w, (i * O, O), x, (i, 1, 0, step), d_y, (0, O))


@kernel
def assign(x, y):
    """Set y (m,) to the first numbers of x (>= m,)."""
    for i in range(len(y)):
        y[i] = x[i]


@kernel
def add(x, y):
    """Add x (m,) to y (m,)."""
    for i in range(len(x)):
        y[i] += x[i]


@kernel
def subtract(x, before, change):
    """Set change (m,) to x (m,) - before (m,)."""
    for i in range(len(x)):
        change[i] = x[i] - before[i]


@kernel
def add_fresh(x, before, fresh, stride, widths, scratch, held, d_w):
    """Hold the differences of fresh patches of x, before (H W C,), and their sums of d_y; multiply HELD of them.

    widths: numbers of a line, of a patch's line, of a pixel.  Return how many are held.
    """
    (change, total, patches, sums), (line, width, C), end = scratch, widths, 0
    for a, q in np.ndindex(fresh.shape):
        if fresh[a, q]:
            top = a * stride * line
            first, end = max(end, top), top + width // C * line          # of the lines that no patch has needed so far
            subtract(x[first:end], before[first:end], change[first:end])
            for row in range(width // C):
                assign(change[top + row * line + q * stride * C:], patches[held, row * width:(row + 1) * width])
            sums[held] = total[a, q]
            held += 1
            if held == HELD:
                add_transposed_product(patches, sums, held, d_w)
                held = 0
    return held


@kernel
def backward_weight(x, fresh, d_y, k, stride, scratch, d_w, d_b):
    """Add to d_w (k k C, O) and d_b (O,), from x (n, H, W, C) and d_y (n, h, v, O).

    fresh (n, h, v) marks patches that may differ from the previous row.  With P_t the patches of row t, and P_-1 = 0,

        d_w = sum over t of P_t^T d_y_t = sum over t of (P_t - P_t-1)^T (d_y_t + d_y_t+1 + ... + d_y_n-1)

    and P_t - P_t-1 is 0 except in fresh patches.  A row in which most patches are fresh starts a new sum.
    scratch: (H W C,), a sum (h, v, O), HELD differences of patches (HELD, >= k k C) and their sums (HELD, O).
    """
    (n, H, W, C), (_, h, v, O), total = x.shape, d_y.shape, scratch[1]
    images, held, total[:] = x.reshape(n, -1), 0, 0
    for t in range(n - 1, -1, -1):
        add(d_y[t].reshape(-1), total.reshape(-1))
        if t > 0 and 2 * fresh[t].sum() < h * v:
            held = add_fresh(images[t], images[t - 1], fresh[t], stride, (W * C, k * C, C), scratch, held, d_w)
            continue
        for row in range(k):
            x_at = ((t * H + row) * W * C, 1, stride * W * C, stride * C)
            contract(k * C, O, (h, v), d_w, (row * k * C * O, O), x, x_at, total, (0, O))
        for a, q in np.ndindex(h, v):
            add(total[a, q], d_b)                                        # y = ... + b
        total[:] = 0
    add_transposed_product(scratch[2], scratch[3], held, d_w)


@kernel
def backward_input(d_y, w, k, stride, d_x, turned):
    """Overwrite d_x (n, H, W, C), from d_y (n, h, v, O) and w (k k C, O); scratch: turned (k, O, k C)."""
    (_, h, v, O), (n, H, W, C) = d_y.shape, d_x.shape
    assert stride * C % VECTOR == 0 and k % stride * C % VECTOR == 0
    for row, j in np.ndindex(k, O):
        for p in range(k * C):
            turned[row, j, p] = w[row * k * C + p, j]                    # channels of d_x side by side, as lanes
    d_x[:] = 0
    for i, a, row in np.ndindex(n, h, k):
        for column in range(0, k, stride):                               # for different q these do not overlap
            d_x_at = (((i * H + a * stride + row) * W + column) * C, stride * C)
            d_y_at, w_at = ((i * h + a) * v * O, O, 0, 1), ((row * O * k + column) * C, k * C)
            contract(v, min(stride, k - column) * C, (1, O), d_x, d_x_at, d_y, d_y_at, turned, w_at)
