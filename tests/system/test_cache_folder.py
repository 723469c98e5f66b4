"""Compiled kernels lie in the user's cache folder: what is uninstalled is gone, and no checkout uses another's."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import numba
import pytest

import a3c_numba
from a3c_numba.system.cache_folder import cache_folder

PACKAGE = Path(a3c_numba.__file__).parent
CALL = ("import numpy as np; from a3c_numba.system import nonfinite as n; x = np.full(2, np.nan, np.float32); "
        "n.zero_nonfinite(x); kernel = next(k for k in vars(n).values() if hasattr(k, 'stats')); "
        "print(x.tolist(), sum(kernel.stats.cache_hits.values()), n.__file__)")


@pytest.mark.parametrize("platform, environment, folder", [
    ("linux", {}, "home/.cache"), ("linux", {"XDG_CACHE_HOME": "{}/xdg"}, "xdg"), ("darwin", {}, "home/Library/Caches"),
    ("linux", {"XDG_CACHE_HOME": "relative"}, "home/.cache"), ("win32", {"LOCALAPPDATA": "{}/local"}, "local"),
])
def test_the_folder_is_the_platforms(tmp_path, monkeypatch, platform, environment, folder):
    monkeypatch.setattr(sys, "platform", platform)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    for name, value in environment.items():
        monkeypatch.setenv(name, value.format(tmp_path))
    assert cache_folder() == tmp_path / folder / "a3c_numba"


def test_no_home_is_an_error_of_the_system(monkeypatch):
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", lambda: (_ for _ in ()).throw(RuntimeError("no home")))
    with pytest.raises(OSError, match="no cache folder: no home"):
        cache_folder()


@pytest.fixture
def checkout(tmp_path):
    """A copy of the package; its ``run`` calls a kernel there, with the caches of a user of its own."""
    ignored = shutil.ignore_patterns("__pycache__", "docs")
    environment = {key: value for key, value in os.environ.items() if key not in ("NUMBA_CACHE_DIR", "XDG_CACHE_HOME")}

    def run(name):
        if not (tmp_path / name).exists():
            shutil.copytree(PACKAGE, tmp_path / name / "a3c_numba", ignore=ignored)
        home = {"HOME": str(tmp_path / "home"), "PYTHONPATH": str(tmp_path / name), "PYTHONDONTWRITEBYTECODE": "1"}
        ended = subprocess.run([sys.executable, "-c", CALL], env=environment | home | {"NUMBA_DISABLE_JIT": "0"},
                               cwd=tmp_path, capture_output=True, text=True, timeout=120)
        assert ended.returncode == 0, ended.stderr
        return ended.stdout.replace(str(tmp_path), "")
    return run


pytestmark = pytest.mark.skipif(numba.config.DISABLE_JIT, reason="nothing is compiled")
FILE = "a3c_numba/system/nonfinite.py"


def test_nothing_is_written_beside_the_package(checkout, tmp_path):
    assert checkout("one") == f"[0.0, 0.0] 0 /one/{FILE}\n"
    assert checkout("one") == f"[0.0, 0.0] 1 /one/{FILE}\n"
    assert [*(tmp_path / "home/.cache/a3c_numba/kernels").rglob("*.nbc")]
    assert not [*(tmp_path / "one").rglob("*.nb?"), *(tmp_path / "one").rglob("__pycache__")]


@pytest.mark.long
def test_two_checkouts_do_not_share_kernels(checkout, tmp_path):
    """Nor do two versions of a file of the same length."""
    checkout("one")
    assert checkout("two") == f"[0.0, 0.0] 0 /two/{FILE}\n"
    file = tmp_path / "one" / FILE
    before, text = file.stat(), file.read_text()
    assert "= 0\n" in text or "= 0 " in text
    file.write_text(text.replace("= 0\n", "= 7\n").replace("= 0 ", "= 7 "))
    os.utime(file, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
    assert checkout("one") == f"[7.0, 7.0] 0 /one/{FILE}\n" and checkout("two").startswith("[0.0, 0.0] 1 ")
