"""Layers: immutable descriptions that are applied to whatever parameters the caller holds.

Every layer has ``input_shape``, ``output_shape`` (of one row), ``shapes`` (of its parameters, by name) and

    init(p, rng)                                          draws the parameters p in place
    cache(rows, dtype)                                    memory for that many rows, made once
    forward(p, x, cache, rows) -> y                       writes these rows of the cache; y is a view of it
    backward(p, d_p, x, cache, d_y, input_gradient) -> d_x    rows 0 .. n - 1: ADDS to d_p, OVERWRITES d_x
"""
