"""The product d_x = d_y W^T with its sums in vector registers.  Optional: core/layers/relu_dense.py is the plain one.

    d_x[t, i] = sum over j of d_y[t, j] W[i, j]

Both factors are contiguous along j, so each sum is a dot product.  In a plain loop LLVM keeps a sum in one register,
and each addition waits for the previous one.  Here HEIGHT rows i are summed at the same time, VECTOR numbers j at
once, each sum in its own register; the VECTOR parts of each sum are added at the end.  A block of W is read from
memory once, for all rows t.

How an ``@intrinsic`` writes machine instructions is explained in conv2d_tiled.py.
"""
# mypy: disable-error-code="attr-defined, no-untyped-def"
from llvmlite import ir
from numba.core import cgutils, config, errors, types
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from .numba_cache import FASTMATH, compiled

kernel = compiled(fastmath=FASTMATH, error_model="numpy", nogil=True)

# As in conv2d_tiled.py.  Numba caches machine code by file, so an intrinsic reads no constant of another file.
FEATURES = (get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES).split(",")
VECTOR = 16 if "+avx512f" in FEATURES else 8
GROUP = 4
HEIGHT = 16                    # rows of W, and sums, at the same time


def hidden(builder, value):
    """Return ``value``, so that LLVM cannot see how it was computed (conv2d_tiled.py says why)."""
    return builder.asm(ir.FunctionType(value.type, [value.type]), "", "=r,0", (value,), False)


@intrinsic
def _dots(typing, size, y, y_first, x, x_first, w, w_first):
    """Set y[y_first + q] = sum over c < size of x[x_first + q size + c] w[w_first + c]; q < HEIGHT, VECTOR | size."""
    if any(array.layout != "C" or array.dtype != y.dtype for array in (y, x, w)):
        raise errors.TypingError("dot products are made of C-contiguous arrays of one dtype")

    def emit(context, builder, signature, arguments):
        """Write the instructions: HEIGHT sums in registers, then the sum of each register's parts."""
        number, align = context.get_value_type(y.dtype), y.dtype.bitwidth // 8
        vector = ir.VectorType(number, VECTOR)
        views = [context.make_array(kind)(context, builder, arguments[i]) for kind, i in ((y, 1), (x, 3), (w, 5))]
        size, y_first, x_first, w_first = (arguments[i] for i in (0, 2, 4, 6))
        starts = [hidden(builder, builder.add(x_first, builder.mul(size, size.type(q))))
                  for q in range(0, HEIGHT, GROUP)]
        sums = [cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in range(HEIGHT)]

        def load(view, first, *more):
            for term in more:
                first = builder.add(first, term)
            place = builder.bitcast(builder.gep(view.data, [first]), vector.as_pointer())
            return builder.load(place, align=align)

        with cgutils.for_range(builder, builder.udiv(size, size.type(VECTOR))) as column:
            c = builder.mul(column.index, size.type(VECTOR))
            weight = load(views[2], w_first, c)
            for q, total in enumerate(sums):
                value = load(views[1], starts[q // GROUP], c, builder.mul(size, size.type(q % GROUP)))
                value = builder.fmul(value, weight, flags=("contract",))
                builder.store(builder.fadd(builder.load(total), value, flags=("contract",)), total)
        kind = ir.FunctionType(number, [number, vector])
        add_up = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{VECTOR}f{8 * align}")
        for q, total in enumerate(sums):
            value = builder.call(add_up, [ir.Constant(number, 0.0), builder.load(total)], fastmath=("reassoc",))
            builder.store(value, builder.gep(views[0].data, [builder.add(y_first, y_first.type(q))]))
        return context.get_dummy_value()

    return types.void(size, y, y_first, x, x_first, w, w_first), emit


@kernel
def transposed_product(d_y, weight, d_x):
    """Set d_x (n, I) to d_y (n, O) weight^T, for weight (I, O) with O a multiple of VECTOR."""
    (n, O), I = d_y.shape, len(weight)
    for i in range(0, I - HEIGHT + 1, HEIGHT):
        for t in range(n):
            _dots(O, d_x, t * I + i, weight, i * O, d_y, t * O)
    for i in range(I - I % HEIGHT, I):
        for t in range(n):
            d = 0 * d_y[t, 0]
            for j in range(O):
                d += weight[i, j] * d_y[t, j]                            # y[t, j] += x[t, i] * weight[i, j]
            d_x[t, i] = d
