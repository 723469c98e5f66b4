"""draft"""
import math
from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba.core import cgutils, types
from numba.core.codegen import get_host_cpu_features
from numba.extending import intrinsic
from numpy.lib.stride_tricks import as_strided

from ..jit import kernel

VECTORS = 20


@intrinsic(prefer_literal=True)
def _tile(typing, y, x, w, first, height, at, lanes):
    def emit(context, builder, signature, arguments):
        element = context.get_value_type(y.dtype)
        vector = ir.VectorType(element, lanes.literal_value)
        arrays = [cgutils.create_struct_proxy(kind)(context, builder, value) for kind, value in zip(signature.args, arguments[:3])]
        y_step, x_step, w_step = [cgutils.unpack_tuple(builder, array.strides) for array in arrays]
        _, rows, cols = cgutils.unpack_tuple(builder, arrays[1].shape)
        first_, height_, at_ = arguments[3:6]
        zero = first_.type(0)

        def address(array, steps, index, kind):
            offset = zero
            for step, i in zip(steps, index):
                offset = builder.add(offset, builder.mul(step, i))
            return builder.bitcast(cgutils.pointer_add(builder, array.data, offset), kind.as_pointer())

        align = y.dtype.bitwidth // 8
        for q in range(1, VECTORS * 16 // lanes.literal_value + 1):
            with builder.if_then(builder.icmp_signed("==", height_, height_.type(q))):
                lines = [builder.add(first_, first_.type(i)) for i in range(q)]
                places = [address(arrays[0], y_step, (line, at_), vector) for line in lines]
                sums = [cgutils.alloca_once(builder, vector) for _ in lines]
                for total, place in zip(sums, places):
                    builder.store(builder.load(place, align=align), total)
                with cgutils.for_range(builder, rows) as row:
                    with cgutils.for_range(builder, cols) as col:
                        weight = builder.load(address(arrays[2], w_step, (row.index, col.index, at_), vector), align=align)
                        for total, line in zip(sums, lines):
                            value = builder.load(address(arrays[1], x_step, (line, row.index, col.index), element))
                            lonely = builder.insert_element(ir.Constant(vector, ir.Undefined), value, ir.IntType(32)(0))
                            mask = ir.Constant(ir.VectorType(ir.IntType(32), lanes.literal_value), None)
                            splat = builder.shuffle_vector(lonely, ir.Constant(vector, ir.Undefined), mask)
                            product = builder.fmul(splat, weight, flags=("contract",))
                            builder.store(builder.fadd(builder.load(total), product, flags=("contract",)), total)
                for total, place in zip(sums, places):
                    builder.store(builder.load(total), place, align=align)
        return context.get_dummy_value()

    return types.void(y, x, w, types.intp, types.intp, types.intp, lanes), emit


@kernel
def contract(y, x, w):
    count, lanes = y.shape
    at = 0
    while at < lanes:
        wide = lanes - at >= 32
        limit = VECTORS // 2 if wide else VECTORS
        pieces = -(-count // limit)
        for piece in range(pieces):
            first = count * piece // pieces
            height = count * (piece + 1) // pieces - first
            if wide:
                _tile(y, x, w, first, height, at, 32)
            else:
                _tile(y, x, w, first, height, at, 16)
        at += 32 if wide else 16


@kernel
def _patches(x, k, stride, h, w):
    n, H, W, c = x.shape
    a, b, e, f = x.strides
    return as_strided(x, (n, h, w, k, k * c), (a, stride * b, stride * e, b, f))


@kernel
def forward(x, w, b, stride, y):
    n, h, width, o = y.shape
    k = int(round(math.sqrt(w.shape[0] // x.shape[3])))
    patches = _patches(x, k, stride, h, width)
    weight = w.reshape(k, w.shape[0] // k, o)
    for i in range(n):
        for a in range(h):
            y[i, a] = b
            contract(y[i, a], patches[i, a], weight)


@kernel
def backward_weight(x, d_y, stride, d_w, d_b):
    n, h, width, o = d_y.shape
    k = int(round(math.sqrt(d_w.shape[0] // x.shape[3])))
    patches = _patches(x, k, stride, h, width)
    d_weight = d_w.reshape(k, d_w.shape[0] // k, o)
    for i in range(n):
        for ky in range(k):
            contract(d_weight[ky], patches[i, :, :, ky].transpose(2, 0, 1), d_y[i])
        for a in range(h):
            for b in range(width):
                for p in range(o):
                    d_b[p] += d_y[i, a, b, p]


@kernel
def backward_input(d_y, w, stride, d_x, turned):
    n, h, width, o = d_y.shape
    c = d_x.shape[3]
    k = int(round(math.sqrt(w.shape[0] // c)))
    for ky in range(k):
        for j in range(k * c):
            for p in range(o):
                turned[ky, p, j] = w[ky * k * c + j, p]
    d_x[:] = 0
    for i in range(n):
        for a in range(h):
            for ky in range(k):
                line = d_x[i, a * stride + ky].reshape(-1)
                for m in range(0, k, stride):
                    block = min(stride, k - m) * c
                    target = as_strided(line[m * c:], (width, block), (4 * stride * c, 4))
                    contract(target, d_y[i, a].reshape(width, 1, o), turned[ky:ky + 1, :, m * c:])
