"""``a3c-numba trace``: one update of a real worker, number by number, from the observation to the new theta.

    recorded_update.py    one update of a worker, with the arrays of each layer recorded
    formulas.py           the formula of each layer, method and optimiser, one line each
    table.py              the text; cli/trace.py prints it
"""
