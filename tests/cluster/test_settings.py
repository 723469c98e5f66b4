"""A cluster that is named or asked for wrongly is one line, and nothing is written."""

import shutil
import socket
import sys

import pytest

from a3c_numba import Agent, Ray
from a3c_numba.cluster.engine import check_versions
from a3c_numba.cluster.node import versions
from a3c_numba.cluster.settings import ClusterError
from tests.programs import program
from tests.runs.test_run_folder import contents


@pytest.mark.parametrize("nodes, every", [(1, 30), (2, 15), (4, 7), (30, 1), (1000, 1)])
def test_all_nodes_make_about_30_updates_between_exchanges(nodes, every):
    assert Ray(nodes=nodes).every == every


def test_a_typed_interval_is_taken():
    assert Ray(nodes=4, exchange_every=100).every == 100 and Ray(exchange_every=0).every == 0


@pytest.mark.parametrize("fields, words", [
    ({"nodes": 0}, "nodes must be at least 1"), ({"nodes": 1.5}, "nodes must be of type int"),
    ({"exchange_every": -1}, "exchange_every must be a whole number"), ({"shards": 0}, "shards must be at least 1"),
    ({"nodes": 2, "exchange_every": 0}, "is for one node alone"), ({"address": 3}, "address must be of type str")])
def test_a_value_out_of_its_range_is_refused(fields, words):
    with pytest.raises(ValueError, match=words):
        Ray(**fields)


def test_no_cluster_is_refused_before_anything_is_written(tmp_path):
    agent = Agent("Catch", workers=1, hidden=8)
    with pytest.raises(ValueError, match="cluster must be Ray"):
        agent.learn(300, out=tmp_path / "run", cluster="10.0.0.1:6379")
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("name", ["a3c_numba", "Python", "NumPy"])
def test_other_versions_on_a_node_are_one_line(name):
    check_versions(versions())
    with pytest.raises(ClusterError, match=f"a node has {name} 0.0, this program"):
        check_versions(versions() | {name: "0.0"})


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.mark.parametrize("arguments, words", [
    (["--nodes", 2], "--nodes is for a cluster: give --ray, too"),
    (["--exchange-every", 2], "--exchange-every is for a cluster"),
    (["--workers", 1, "--workers-per-node", 1, "--ray", "auto"], "give one of them"),
    (["--ray", f"127.0.0.1:{free_port()}"], "no Ray at 127.0.0.1:"),
    (["--ray", "ray://127.0.0.1:10001"], "is no address of Ray's"), (["--ray", "here"], "is no address of Ray's"),
    (["--ray", "auto", "--nodes", 2, "--exchange-every", 0], "is for one node alone"),
    (["--ray", "auto", "--nodes", 0], "nodes must be at least 1")])
def test_options_that_no_cluster_fits_are_one_line(tmp_path, capsys, monkeypatch, arguments, words):
    monkeypatch.setattr("a3c_numba.cluster.engine.load_ray", lambda: NoRay)
    assert program("train", "Catch", "--out", tmp_path / "run", "--quiet", *arguments) == 2
    said = capsys.readouterr().err
    assert words in said and said.count("\n") == 1 and not (tmp_path / "run" / "config.json").exists()


class NoRay:
    """Ray as far as it is asked before an address is reached."""

    @staticmethod
    def is_initialized():
        return False

    @staticmethod
    def shutdown():
        pass


def test_without_ray_one_line_says_what_to_install(tmp_path, capsys, monkeypatch):
    monkeypatch.setitem(sys.modules, "ray", None)
    assert program("train", "Catch", "--out", tmp_path / "run", "--quiet", "--ray") == 2
    said = capsys.readouterr().err
    assert "pip install 'a3c_numba[ray]'" in said and said.count("\n") == 1
    assert not (tmp_path / "run" / "config.json").exists()


def test_workers_per_node_cannot_change_on_resuming(catch_run, capsys):
    assert program("train", "--resume", catch_run, "--workers-per-node", 2, "--ray", "auto") == 2
    assert "--workers-per-node cannot change" in capsys.readouterr().err


def test_a_run_is_not_replaced_by_one_that_has_no_cluster(catch_run, tmp_path, capsys, monkeypatch):
    shutil.copytree(catch_run, tmp_path / "run")
    monkeypatch.setattr("a3c_numba.cluster.engine.load_ray", lambda: NoRay)
    address = f"127.0.0.1:{free_port()}"
    assert program("train", "Catch", "--out", tmp_path / "run", "--overwrite", "--workers-per-node", 1,
                   "--ray", address) == 2
    assert "no Ray at" in capsys.readouterr().err
    assert contents(tmp_path / "run") == contents(catch_run)
