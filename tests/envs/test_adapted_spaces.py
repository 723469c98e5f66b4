"""What is known of an adapted environment: statistics of wrappers are announced, bytes are scaled for predict."""

import json

import gymnasium
import numpy as np
import pytest
from gymnasium.wrappers import NormalizeObservation, NormalizeReward, TimeLimit

from a3c_numba import Agent
from a3c_numba.core.networks import MLP
from a3c_numba.envs.adapted_spaces import running_statistics
from a3c_numba.runs.checkpoint import CheckpointError, load, save
from a3c_numba.system import terminal
from a3c_numba.training.collector_state import collector_state
from a3c_numba.training.trainer import initial_checkpoint
from a3c_numba.training.worker_process import main
from a3c_numba.training.worker_status import WorkerStatus
from tests.core.test_worker import begun
from tests.envs.test_spaces import Any, image
from tests.programs import Chances, small
from tests.runs.test_checkpoint import with_meta
from tests.training.test_worker_process import Pipe, register  # noqa: F401  a fixture


def normalized_observations():
    return NormalizeObservation(Chances())


WRAPPED = {"NormalizeObservation": normalized_observations, "NormalizeReward": lambda: NormalizeReward(Chances()),
           "NormalizeReward and NormalizeObservation":
               lambda: NormalizeReward(TimeLimit(NormalizeObservation(Chances()), 5))}


@pytest.mark.parametrize("names", WRAPPED)
def test_running_statistics_are_one_line(caplog, names):
    terminal.log_once.cache_clear()
    agent = Agent(WRAPPED[names], network=MLP(hidden=2))
    agent.evaluate(1)
    line, = caplog.messages
    assert line.startswith(f"running statistics of {names} are kept in no file") and "--resume" in line


def test_a_wrapper_of_ones_own_counts_and_others_do_not():
    class Own(gymnasium.Wrapper):
        def __init__(self, env):
            super().__init__(env)
            self.obs_rms = 0

    assert "of Own are" in running_statistics(TimeLimit(Own(Chances()), 5))
    assert running_statistics(TimeLimit(Chances(), 5)) is None


def test_a_worker_that_resumes_says_so(caplog, register):  # noqa: F811
    config = small(normalized_observations, total_steps=20)
    worker, shared, _ = begun(config)
    state, pipe = collector_state(worker.collector), Pipe()
    terminal.log_once.cache_clear()
    main(0, config, WorkerStatus(shared, 1), np.random.SeedSequence(0), state, pipe)
    assert [kind for kind, _ in pipe.sent] == ["last state"] and len(caplog.messages) == 1


def ram():
    return TimeLimit(Any(image(16)), 5)


def test_predict_takes_bytes_as_they_are_or_scaled():
    agent = Agent(ram, network=MLP(hidden=8))
    raw = np.random.default_rng(0).integers(256, size=(20, 16), dtype=np.uint8)
    scaled = raw / np.float32(255)
    expected = agent.policy.outputs(scaled, agent.policy.initial_state(20))[0][0].argmax(axis=1)
    for obs in (raw, raw.astype(np.int64), scaled, raw.tolist()):
        np.testing.assert_array_equal(agent.predict(obs, deterministic=True)[0], expected)
        assert agent.predict(obs[3], deterministic=True)[0] == expected[3]
    one, other = (agent.gradients(obs, expected, np.ones(20)) for obs in (raw, scaled))
    assert all(np.array_equal(one[name], other[name]) for name in one)


def test_predict_and_evaluation_see_the_same_bytes():
    agent = Agent(ram, network=MLP(hidden=8))
    obs, _ = agent.make_env().reset(seed=0)
    assert obs.max() <= 1
    assert agent.config.spaces.as_adapted(np.uint8([51] * 16)) == pytest.approx(0.2)
    assert agent.config.spaces.as_adapted(obs) is obs


def test_an_agent_of_unscaled_bytes_is_refused(tmp_path):
    """Version 0.1 wrote no env_kwargs, and trained on bytes as they were."""
    gymnasium.register("OldRam-v0", entry_point=ram)
    try:
        for env, refused in (("OldRam-v0", True), ("CartPole-v1", False)):
            start = initial_checkpoint(small(env))
            save(tmp_path / "a.npz", start)
            config = json.loads(start.config.to_json())
            assert load(tmp_path / "a.npz").config.env == env
            del config["env_kwargs"]
            with_meta(tmp_path / "a.npz", config=config)
            if refused:
                with pytest.raises(CheckpointError, match="bytes that were not scaled to 0 .. 1: train it again$"):
                    load(tmp_path / "a.npz")
            else:
                load(tmp_path / "a.npz")
    finally:
        del gymnasium.registry["OldRam-v0"]
