"""The product d_x = d_y W^T with its sums in vector registers.  Optional: core/layers/relu_dense.py is the plain one.

    d_x[t, i] = sum over j of d_y[t, j] W[i, j]                          for the inputs i in ``rows``, and all t

Both factors are contiguous along j, so each sum is a dot product.  In a plain loop LLVM keeps a sum in one register,
and each addition waits for the previous one.  Here a tile of d_x, ``height`` inputs by a few t, is summed at the same
time, VECTOR numbers j at once, each sum in its own register; the VECTOR parts of each sum are added at the end.

How an ``@intrinsic`` writes machine instructions is explained in __init__.py.
"""
# mypy: disable-error-code="attr-defined, no-untyped-def"
from llvmlite import ir
from numba.core import cgutils, config, errors, types
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic

from . import kernel

# As in conv2d_tiled.py.  Numba caches machine code by file, so an intrinsic reads no constant of another file.
FEATURES = (get_host_cpu_features() if config.CPU_FEATURES is None else config.CPU_FEATURES).split(",")
VECTOR, SUMS = (16, 20) if "+avx512f" in FEATURES else (8, 12)
HEIGHT, SINGLE = 4, 8          # inputs of a tile; and if there is one t only, where a tile has too few sums otherwise


@intrinsic(prefer_literal=True)
def _dots(typing, height, tall, d_y, t, weight, rows, k, d_x):
    """Set a tile of d_x: t .. t + tall - 1 (tall <= SUMS / height) by the ``height`` (a constant) inputs from rows[k].

    Beyond the end of ``rows`` the last one is computed again.
    """
    if any(array.layout != "C" or array.dtype != d_x.dtype for array in (d_y, weight, d_x)):
        raise errors.TypingError("dot products are made of C-contiguous arrays of one dtype")
    inputs = height.literal_value

    def emit(context, builder, signature, arguments):
        """Write one tile for each number of t that fits; at run time the requested one is selected."""
        number, align = context.get_value_type(d_x.dtype), d_x.dtype.bitwidth // 8
        vector = ir.VectorType(number, VECTOR)
        out, y, w, indices = (context.make_array(kind)(context, builder, arguments[i])
                              for kind, i in ((d_x, 7), (d_y, 2), (weight, 4), (rows, 5)))
        size, columns = (cgutils.unpack_tuple(builder, view.shape)[1] for view in (w, out))
        tall, t, k = arguments[1], arguments[3], arguments[6]
        kind = ir.FunctionType(number, [number, vector])
        add_up = cgutils.get_or_insert_function(builder.module, kind, f"llvm.vector.reduce.fadd.v{VECTOR}f{8 * align}")

        def line(view, i):
            """Return the address of row i, of ``size`` numbers."""
            return builder.gep(view.data, [builder.mul(size, i)])

        def load(start, c):
            place = builder.bitcast(builder.gep(start, [c]), vector.as_pointer())
            return builder.load(place, align=align)

        def emit_tile(places, ts):
            """Write d_x[t, i] = sum over j of d_y[t, j] W[i, j] for these i and t, with the sums in registers."""
            starts, lines = [line(w, i) for i in places], [line(y, each) for each in ts]
            sums = [[cgutils.alloca_once_value(builder, ir.Constant(vector, None)) for _ in ts] for _ in places]
            with cgutils.for_range(builder, builder.udiv(size, size.type(VECTOR))) as column:
                j = builder.mul(column.index, size.type(VECTOR))
                gradients = [load(start, j) for start in lines]                        # d_y[t, j]
                for start, totals in zip(starts, sums):
                    value = load(start, j)                                             # W[i, j]
                    for total, gradient in zip(totals, gradients):
                        product = builder.fmul(value, gradient, flags=("contract",))
                        builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
            for i, totals in zip(places, sums):
                for each, total in zip(ts, totals):
                    parts = [ir.Constant(number, 0.0), builder.load(total)]
                    place = builder.gep(out.data, [builder.add(builder.mul(columns, each), i)])
                    builder.store(builder.call(add_up, parts, fastmath=("reassoc",)), place)

        last = builder.sub(cgutils.unpack_tuple(builder, indices.shape)[0], k.type(1))
        places = []
        for q in range(inputs):
            place = builder.add(k, k.type(q))
            place = builder.select(builder.icmp_signed("<", place, last), place, last)
            places.append(builder.load(builder.gep(indices.data, [place])))
        for each in range(1, SUMS // inputs + 1):
            with builder.if_then(builder.icmp_signed("==", tall, tall.type(each))):
                emit_tile(places, [builder.add(t, t.type(s)) for s in range(each)])
        return context.get_dummy_value()

    return types.void(height, types.intp, d_y, types.intp, weight, rows, types.intp, d_x), emit


@kernel
def transposed_product(d_y, weight, rows, d_x):
    """Set the columns ``rows`` (m,) int64 of d_x (n, I) to those of d_y (n, O) weight^T; VECTOR divides O."""
    n = len(d_y)
    if n == 1:
        for k in range(0, len(rows), SINGLE):
            _dots(SINGLE, 1, d_y, 0, weight, rows, k, d_x)
        return
    limit = SUMS // HEIGHT
    fair = (n - 1) // ((n - 1) // limit + 1) + 1                         # equal parts that fit
    for k in range(0, len(rows), HEIGHT):                                # these rows are read from memory once
        for t in range(0, n, fair):
            _dots(HEIGHT, min(fair, n - t), d_y, t, weight, rows, k, d_x)
