"""The ten exercises as a learner gets them, plain NumPy with blanks; ``a3c-numba exercises start`` copies them."""
