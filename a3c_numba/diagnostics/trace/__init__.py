"""``a3c-numba trace``: one update of a real worker, number by number, from the observation to the new theta.

    recorded_update.py    ``Worker.update``, with what flows through each layer noted
    formulas.py           what each layer, method and optimiser computes, in one line each
    table.py              the text; cli/trace.py prints it
"""
