"""How many cores a process may use, by its affinity mask and by the quotas of its cgroups."""

import os

import pytest

from a3c_numba.system import cgroups, cores


@pytest.fixture
def machine(monkeypatch, tmp_path):
    """16 cores, and a function that writes cgroup files and what this process says of its own."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.setattr(cgroups, "CGROUPS", tmp_path / "cgroup")
    monkeypatch.setattr(cgroups, "OWN_CGROUPS", tmp_path / "own")

    def write(own, **files):
        (tmp_path / "own").write_text(own)
        for name, text in files.items():
            path = tmp_path / "cgroup" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
    return write


def test_the_affinity_mask_counts(monkeypatch, machine):
    assert cores.available_cores() == 16
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {3, 5})
    assert cores.available_cores() == 2


@pytest.mark.parametrize("quota, expected", [("600000 100000", 6), ("650000 100000", 6), ("max 100000", 16),
                                             ("50000 100000", 1), ("9900000 100000", 16), ("", 16), ("x y", 16)])
def test_a_quota_of_version_2_counts(machine, quota, expected):
    machine("0::/\n", **{"cpu.max": quota})
    assert cores.available_cores() == expected


def test_the_least_quota_on_the_way_up_counts(machine):
    machine("0::/a/b\n", **{"cpu.max": "max 100000", "a/cpu.max": "300000 100000", "a/b/cpu.max": "500000 100000"})
    assert cores.available_cores() == 3


@pytest.mark.parametrize("quota, expected", [("400000", 4), ("-1", 16)])
def test_a_quota_of_version_1_counts(machine, quota, expected):
    machine("5:cpu,cpuacct:/job\n4:memory:/\n", **{"cpu/job/cpu.cfs_quota_us": quota,
                                                   "cpu/job/cpu.cfs_period_us": "100000"})
    assert cores.available_cores() == expected


def test_without_affinity_masks_all_cores_count(monkeypatch, machine):
    monkeypatch.delattr(os, "sched_getaffinity")
    monkeypatch.setattr(os, "cpu_count", lambda: None)
    assert cores.available_cores() == 1
