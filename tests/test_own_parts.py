"""Own objects for algorithm, distribution, network and optimiser: what is accepted, saved, asked for on loading."""

import json
import sys
import threading
from dataclasses import dataclass

import numpy as np
import pytest

from a3c_numba import A3C, MLP, Agent, CheckpointError, MomentumSGD, OneStepQ, RMSProp
from a3c_numba.core.distributions import Categorical
from a3c_numba.diagnostics import gradient_check
from a3c_numba.runs.checkpoint import load
from tests.programs import program


class Cautious(Categorical):
    """A distribution that never draws the last action."""

    def sample(self, row, rng):
        return min(super().sample(row, rng), self.n - 2)


@dataclass(frozen=True)
class CautiousA3C(A3C):
    scale: float = 2.0

    def evaluation_policy(self, action_space):
        return Cautious(int(action_space.n))


class Half:
    """A network that is no dataclass, and no subclass."""

    def takes(self, observation_shape):
        return True

    def build(self, observation_shape, heads):
        return MLP(hidden=4, layers=1).build(observation_shape, heads)


class SignDescent(RMSProp):
    """theta <- theta - eta sign(d)."""

    def apply(self, theta, statistics, d_theta, local, eta):
        theta -= np.float32(eta) * np.sign(d_theta.copy())
        local[:] = theta
        d_theta.fill(0)


def own_agent(**parts):
    parts = {"algorithm": CautiousA3C(), "optimizer": SignDescent(), "network": Half()} | parts
    return Agent("Corridor", workers=1, **parts)


@pytest.fixture(scope="module")
def saved(tmp_path_factory):
    """A run of own parts: its agent and its folder."""
    folder = tmp_path_factory.mktemp("own") / "run"
    return own_agent().learn(300, out=folder), folder


def test_own_parts_learn_play_and_are_checked(saved):
    agent, _ = saved
    assert not np.array_equal(agent.parameters()["policy.head.weight"], own_agent().parameters()["policy.head.weight"])
    assert max(agent.predict(np.eye(4, dtype=np.float32))[0]) < 2 and len(agent.evaluate(2, workers=2)) == 2
    assert all(row.agrees for row in gradient_check.check(agent.config))


def test_a_file_names_own_parts_and_loading_asks_for_them(saved, tmp_path):
    agent, folder = saved
    parts = {"algorithm": CautiousA3C(), "optimizer": SignDescent(), "network": Half()}
    agent.save(tmp_path / "agent.npz")
    for file in (tmp_path / "agent.npz", folder / "final.npz"):
        for name, of in (("algorithm", "CautiousA3C"), ("optimizer", "SignDescent"), ("network", "Half")):
            rest = {part: value for part, value in parts.items() if part != name}
            with pytest.raises(CheckpointError, match=f"the {name} '{of}' is not of this package: give {name}="):
                Agent.load(file, **rest)
        again = Agent.load(file, **parts)
        assert again.config.algorithm is parts["algorithm"] and isinstance(again.policy.pi, Cautious)
        np.testing.assert_array_equal(again.parameters()["value.head.weight"], agent.parameters()["value.head.weight"])
    assert json.loads((folder / "config.json").read_text())["algorithm"]["scale"] == 2.0


def test_nothing_is_imported_on_a_files_word(tmp_path, monkeypatch):
    (tmp_path / "evil.py").write_text("raise SystemExit('executed')")
    monkeypatch.syspath_prepend(tmp_path)
    own_agent(algorithm=type("evil:Part", (CautiousA3C,), {})()).save(tmp_path / "agent.npz")
    with pytest.raises(CheckpointError, match="evil:Part"):
        Agent.load(tmp_path / "agent.npz")
    assert "evil" not in sys.modules


def test_a_part_of_the_package_can_be_replaced_on_loading(tmp_path):
    Agent("Corridor", network=Half(), workers=1).save(tmp_path / "agent.npz")
    agent = Agent.load(tmp_path / "agent.npz", algorithm=CautiousA3C(), network=Half())
    assert isinstance(agent.policy.pi, Cautious)
    with pytest.raises(CheckpointError, match="another network"):
        Agent.load(tmp_path / "agent.npz", algorithm=OneStepQ(), network=Half())


def test_another_optimizer_does_not_get_the_files_statistics(saved):
    parts = {"algorithm": CautiousA3C(), "network": Half()}
    for optimizer, has in ((SignDescent(), True), (MomentumSGD(), False)):
        checkpoint = load(saved[1] / "final.npz", **parts, optimizer=optimizer)
        assert (checkpoint.statistics is not None) == has


def test_the_command_line_refuses_own_parts_in_one_line(saved, capsys):
    assert program("evaluate", saved[1]) == 2 and program("train", "--resume", saved[1]) == 2
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) == 2 and all("'CautiousA3C' is not of this package: give algorithm= on loading" in line
                                   for line in lines)


def test_a_report_shows_own_parts(saved, tmp_path):
    assert program("report", saved[1], "--no-clip", "-o", tmp_path / "page.html") == 0
    assert "CautiousA3C" in (tmp_path / "page.html").read_text()


@pytest.mark.parametrize("part, value, words", [
    ("algorithm", 3, "algorithm must be A3C.. or .* or an object with the same methods; got 3"),
    ("algorithm", A3C, "algorithm must be A3C.. or "), ("network", object(), "network must be "),
    ("algorithm", CautiousA3C(entropy_weight=-1), "entropy_weight must be at least 0"),
    ("optimizer", type("Part", (), {"learning_rate": 1e-3, "apply": None})(),
     "optimizer 'Part' lacks .*update.*own_statistics.*, which Optimizer in .*optimizers.base describes"),
    ("network", type("Locked", (Half,), {"lock": threading.Lock()})(),
     "the network 'Locked' cannot be pickled for the workers"),
    ("atari", 3, "atari must be AtariSettings..; got 3")])
def test_what_is_no_part_is_refused_in_one_line(part, value, words):
    with pytest.raises(ValueError, match=words) as raised:
        Agent("Corridor", **{part: value})
    assert "\n" not in str(raised.value)


def test_a_subclass_keeps_the_values_of_its_fields():
    agent = Agent("Corridor", optimizer=type("Mine", (MomentumSGD,), {})(learning_rate=1e-2), workers=1)
    assert agent.config.optimizer.learning_rate == 1e-2
