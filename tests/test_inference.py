"""A policy that acts: from several threads, and copied."""

import copy
import pickle
import threading
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from a3c_numba import MLP, Agent, Convolutional
from tests.programs import image

AGENTS = {"vectors": ("CartPole-v1", MLP(hidden=8)), "images": (image, Convolutional(dense=8)),
          "recurrent": ("CartPole-v1", MLP(hidden=8, recurrent=True, cells=6))}
COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda agent: pickle.loads(pickle.dumps(agent))}


@pytest.fixture(scope="module", params=AGENTS)
def agent(request):
    env, network = AGENTS[request.param]
    return Agent(env, network=network, workers=1)


def policies_of(agent, rows):
    """What the heads say of n observations, as a function of the observations."""
    return agent.policy.outputs(rows, agent.policy.initial_state(len(rows)))[0]


def observations(agent, n):
    rng, space = np.random.default_rng(0), agent.observation_space
    if space.dtype == np.uint8:
        return rng.integers(256, size=(n, *space.shape), dtype=np.uint8)
    return rng.normal(size=(n, *space.shape)).astype(np.float32)


@pytest.mark.parametrize("rows", [1, 5])
def test_two_threads_in_one_forward_pass_do_not_mix(agent, rows, monkeypatch):
    obs, forward, both = observations(agent, 2 * rows), agent.network.forward, threading.Barrier(2, timeout=60)

    def slow_forward(*arguments):
        outputs = forward(*arguments)                                    # views of the cache
        both.wait()                                                      # until the other thread has computed its own
        return outputs

    alone = [policies_of(agent, part) for part in (obs[:rows], obs[rows:])]
    monkeypatch.setattr(agent.network, "forward", slow_forward)
    with ThreadPoolExecutor(2) as pool:
        together = [*pool.map(lambda part: policies_of(agent, part), (obs[:rows], obs[rows:]))]
    for wanted, found in zip(alone, together):
        for head, same in zip(wanted, found):
            np.testing.assert_array_equal(head, same)


def test_many_threads_use_one_agent_at_once(agent):
    obs = observations(agent, 12)
    batches = [obs[first:last] for first in range(6) for last in range(first + 1, 12, 3)]

    def answers(batch):
        actions, state = agent.predict(batch, deterministic=True)
        return actions.tolist(), None if state is None else state.tolist()

    alone = [answers(batch) for batch in batches]
    scores = agent.evaluate(2, deterministic=True).tolist()
    rollout = obs[:4], np.zeros(4, np.int64), np.ones(4, np.float32)
    gradients = agent.gradients(*rollout)
    with ThreadPoolExecutor(6) as pool:
        evaluations = [pool.submit(agent.evaluate, 2, deterministic=True) for _ in range(2)]
        slopes = [pool.submit(agent.gradients, *rollout) for _ in range(2)]
        assert [*pool.map(answers, batches * 4)] == alone * 4
        assert all(evaluation.result().tolist() == scores for evaluation in evaluations)
        assert all((slope.result()[name] == gradients[name]).all() for slope in slopes for name in gradients)


def test_a_thread_that_fails_leaves_the_others_right(agent, monkeypatch):
    obs, forward = observations(agent, 3), agent.network.forward
    alone = policies_of(agent, obs)
    monkeypatch.setattr(agent.network, "forward", lambda *arguments: (forward(*arguments), 1 / 0))
    with pytest.raises(ZeroDivisionError):
        policies_of(agent, obs)
    monkeypatch.undo()
    for head, same in zip(alone, policies_of(agent, obs)):
        np.testing.assert_array_equal(head, same)


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_of_an_agent_has_one_theta_of_its_own(agent, copied):
    obs, zeros = observations(agent, 3), np.zeros_like(agent.policy.parameters.flat)
    before = agent.policy.parameters.flat.copy()
    other = copied(agent)
    for view in other.parameters().values():
        view[:] = 0
    np.testing.assert_array_equal(other.policy.parameters.flat, zeros)
    np.testing.assert_array_equal(agent.policy.parameters.flat, before)
    assert not any(head.any() for head in policies_of(other, obs))
    assert other.config == agent.config and other.network is other.policy.network


@pytest.mark.parametrize("copied", [copy.deepcopy, COPIES["pickle"]], ids=["deepcopy", "pickle"])
def test_a_copy_of_a_policy_has_views_of_its_own_theta(agent, copied):
    policy = copied(agent.policy)
    theta = policy.parameters.flat
    assert all(np.shares_memory(view, theta) for view in policy.parameters.named().values())
    assert not np.shares_memory(theta, agent.policy.parameters.flat)
