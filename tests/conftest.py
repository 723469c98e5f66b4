"""Fixtures that several files share."""

import a3c_numba  # noqa: F401  first: it keeps NumPy, when that is imported, to one thread
import pytest

from tests.programs import program


@pytest.fixture(scope="session")
def catch_run(tmp_path_factory):
    """The folder of a finished run, one worker and 2 000 steps of Catch; not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "catch"
    assert program("train", "Catch", "--workers", 1, "--total-steps", 2000, "--out", folder) == 0
    return folder
