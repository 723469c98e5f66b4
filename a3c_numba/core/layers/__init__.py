"""Layers: immutable descriptions that own no parameters; the caller passes the parameters to every call.

Every layer has ``input_shape``, ``output_shape`` (of one row), ``shapes`` (of its parameters, by name) and

    init(p, rng)                                          draws the parameters p in place
    cache(rows, dtype)                                    allocates memory for that many rows, once
    forward(p, x, cache, rows) -> y                       writes these rows of the cache; y is a view of it
    backward(p, d_p, x, cache, d_y, input_gradient) -> d_x    rows 0 .. n - 1: ADDS to d_p, OVERWRITES d_x
"""
