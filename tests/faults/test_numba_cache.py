"""A cache of compiled kernels that is broken, full or read-only: one warning a process, and the same results."""

import importlib.util
import os
import random
import shutil
import subprocess
import sys

import numba
import pytest

from a3c_numba.system import numba_cache

pytestmark = pytest.mark.faults

SECONDS = 120                  # until a process counts as hung
WARNING = "Numba's cache failed"
SCRIPT = '''"""Two kernels, each called with float32 and with float64; the arguments say what happens before."""

import os
import shutil
import sys

import numpy as np

from a3c_numba.core.kernel import kernel


@kernel
def double(x):
    """x <- 2 x."""
    for i in range(len(x)):
        x[i] *= 2


@kernel
def halve(x):
    """x <- x / 2."""
    for i in range(len(x)):
        x[i] /= 2


def calls():
    """Call them all; returns what came out, and how many came from the cache."""
    results = []
    for function in (double, halve):
        for dtype in (np.float32, np.float64):
            x = np.arange(3, dtype=dtype)
            function(x)
            results += x.tolist()
    return results, sum(sum(function.stats.cache_hits.values()) for function in (double, halve))


def replaced():
    """A plain file where the cache's folder was."""
    shutil.rmtree(os.environ["NUMBA_CACHE_DIR"])
    open(os.environ["NUMBA_CACHE_DIR"], "w").close()


def full():
    """No file can be longer than 100 bytes."""
    import resource
    resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))


if __name__ == "__main__":
    for name in sys.argv[1:]:
        globals()[name]()
    print(*calls())
'''
RESULTS = [0.0, 2.0, 4.0, 0.0, 2.0, 4.0, 0.0, 0.5, 1.0, 0.0, 0.5, 1.0]
ALL = 4                        # two kernels, two signatures


def run(command, cache, **environment):
    """A Python process with that cache folder; returns what it printed and how often it warned."""
    environment = os.environ | {"NUMBA_CACHE_DIR": str(cache), "NUMBA_DISABLE_JIT": "0"} | environment
    ended = subprocess.run([sys.executable, *map(str, command)], env=environment, capture_output=True, text=True,
                           timeout=SECONDS)
    assert ended.returncode == 0, ended.stderr
    assert "Traceback" not in ended.stderr
    return ended.stdout, ended.stderr.count(WARNING)


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """The script, and a cache that its first process has filled."""
    folder = tmp_path_factory.mktemp("kernels")
    script = folder / "script.py"
    script.write_text(SCRIPT)
    assert run([script], folder / "cache") == (f"{RESULTS} 0\n", 0)
    return script, folder / "cache"


@pytest.fixture
def script(compiled):
    return compiled[0]


@pytest.fixture
def cache(compiled, tmp_path):
    """A cache of this test's own, filled."""
    return shutil.copytree(compiled[1], tmp_path / "cache")


def files(cache, ending):
    found = sorted(cache.rglob("*." + ending))
    assert found
    return found


def half(content):
    return content[:len(content) // 2]


def empty(content):
    return b""


def zeros(content):
    """As some file systems leave it when the power fails."""
    return bytes(len(content))


def garbage(content):
    return random.Random(0).randbytes(len(content))


@pytest.mark.parametrize("ending, faults", [("nbi", [half, empty]), ("nbi", [zeros, garbage]),
                                            ("nbc", [half, empty, zeros, garbage])])
@pytest.mark.long
def test_broken_files_are_compiled_once_more_and_replaced(script, cache, ending, faults):
    """Each file in another way; the first process finds none of them of use."""
    for path, fault in zip(files(cache, ending), faults, strict=True):
        path.write_bytes(fault(path.read_bytes()))
    assert run([script], cache) == (f"{RESULTS} 0\n", 1)
    assert run([script], cache) == (f"{RESULTS} {ALL}\n", 0)


@pytest.mark.long
def test_one_broken_file_costs_one_compilation(script, cache):
    broken = files(cache, "nbc")[0]
    broken.write_bytes(half(broken.read_bytes()))
    assert run([script], cache) == (f"{RESULTS} {ALL - 1}\n", 1)
    assert run([script], cache) == (f"{RESULTS} {ALL}\n", 0)


@pytest.mark.long
def test_code_of_another_signature_is_not_run(script, cache):
    """What two processes that fill an empty cache at once can leave: a kernel would write past the array's end."""
    for first, second in zip(*[iter(files(cache, "nbc"))] * 2):
        first_content, second_content = first.read_bytes(), second.read_bytes()
        first.write_bytes(second_content)
        second.write_bytes(first_content)
    assert run([script], cache) == (f"{RESULTS} 0\n", 1)
    assert run([script], cache) == (f"{RESULTS} {ALL}\n", 0)


@pytest.mark.long
def test_a_cache_that_vanishes_after_the_import_is_filled_anew(script, cache):
    shutil.rmtree(cache)
    assert run([script], cache) == (f"{RESULTS} 0\n", 0)
    assert run([script], cache) == (f"{RESULTS} {ALL}\n", 0)


@pytest.mark.long
def test_a_cache_that_can_no_longer_be_written_after_the_import(script, cache):
    assert run([script, "replaced"], cache) == (f"{RESULTS} 0\n", 1)
    assert cache.is_file()


@pytest.mark.long
def test_a_full_disk_costs_the_cache_alone(script, tmp_path):
    cache = tmp_path / "cache"
    assert run([script, "full"], cache) == (f"{RESULTS} 0\n", 1)
    assert run([script], cache) == (f"{RESULTS} 0\n", 0)
    assert run([script, "full"], cache) == (f"{RESULTS} {ALL}\n", 0)     # reading needs no space


@pytest.mark.long
def test_a_full_disk_spoils_nothing_that_is_there(script, cache):
    broken = files(cache, "nbc")[0]
    broken.write_bytes(b"")
    for _ in range(2):
        assert run([script, "full"], cache) == (f"{RESULTS} {ALL - 1}\n", 1)


@pytest.mark.long
def test_no_folder_to_write_to_is_one_warning_for_all_kernels(script, tmp_path):
    """A plain file where each folder would be: this stops root as well."""
    own = shutil.copy(script, tmp_path)
    file = tmp_path / "__pycache__"
    file.write_text("")
    nowhere = {"HOME": f"{file}/home", "XDG_CACHE_HOME": f"{file}/cache"}
    assert run([own], file / "kernels", **nowhere) == (f"{RESULTS} 0\n", 1)


@pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
@pytest.mark.long
def test_a_file_may_be_cut_anywhere(script, cache, monkeypatch):
    """In this process, so that many cuts can be tried: every one is noticed, and mended."""
    monkeypatch.setattr(numba.config, "CACHE_DIR", str(cache))
    for path in (files(cache, "nbi")[0], files(cache, "nbc")[0]):
        content = path.read_bytes()
        for cut in (1, 2, 11, len(content) // 3, len(content) - 2, len(content) - 1):
            monkeypatch.setattr(numba_cache, "_faults", [])
            path.write_bytes(content[:cut])
            with pytest.warns(UserWarning, match=WARNING):
                results, hits = fresh(script).calls()
            assert results == RESULTS and hits < ALL
            assert fresh(script).calls() == (RESULTS, ALL), f"{path.name} cut at {cut} was not replaced"


def fresh(script):
    """The script as a module that knows nothing of earlier ones."""
    spec = importlib.util.spec_from_file_location("script", script)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The cache of the package's own kernels, as a training run leaves it."""
    folder = tmp_path_factory.mktemp("trained")
    train(folder / "run", folder / "cache")
    return folder / "cache"


def train(out, cache):
    return run(["-m", "a3c_numba", "train", "Corridor", "--workers", 1, "--total-steps", 1, "--out", out], cache)[1]


@pytest.mark.long
def test_training_goes_through_with_a_broken_cache(trained, tmp_path):
    """Every file of every sixth kernel is cut: enough to see it, and soon compiled."""
    cache = shutil.copytree(trained, tmp_path / "cache")
    for index in files(cache, "nbi")[::6]:
        for path in index.parent.glob(f"{index.stem}.*"):
            path.write_bytes(half(path.read_bytes()))
    assert 1 <= train(tmp_path / "first", cache) <= 2                    # processes: the trainer and its worker
    assert train(tmp_path / "second", cache) == 0
