"""Fixtures that several files share."""

from pathlib import Path

from a3c_numba.system.threads import use_one_thread

use_one_thread()               # before NumPy is imported

import pytest  # noqa: E402

from tests.programs import program  # noqa: E402

TESTS = Path(__file__).parent


@pytest.fixture(scope="session")
def catch_run(tmp_path_factory):
    """The folder of a finished run, one worker and 2 000 steps of Catch; not to be written to."""
    folder = tmp_path_factory.mktemp("runs") / "catch"
    assert program("train", "Catch", "--workers", 1, "--total-steps", 2000, "--out", folder) == 0
    return folder


# The quick tests: a part of every layer of the package, for other versions of Python and of the packages.
QUICK = ("core/layers", "core/optimizers", "core/distributions", "core/test_returns.py", "core/test_worker.py", "envs",
         "runs/test_run_folder.py", "test_agent.py", "cli/test_env_options.py", "plots/test_video.py",
         "training/test_trainer.py", "system/test_atomic_counter.py")


def pytest_collection_modifyitems(items):
    """Mark the quick tests."""
    for item in items:
        if item.path.relative_to(TESTS).as_posix().startswith(QUICK):
            item.add_marker(pytest.mark.quick)
