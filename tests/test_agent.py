"""The API: what a script can do with an ``Agent``."""

import copy
import dataclasses
import json
import os
import pickle
import shutil
import threading
from functools import partial
from pathlib import Path

import gymnasium
import numpy as np
import pytest

from a3c_numba import (A3C, MLP, Agent, CheckpointError, Convolutional, LocalRMSProp, MomentumSGD, NStepQ, OneStepQ,
                       OneStepSarsa, RMSProp)
from a3c_numba.core.layers.recurrent_state import RecurrentState
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.envs.toys import Corridor
from a3c_numba.presets import PRESETS
from a3c_numba.runs.checkpoint import load
from a3c_numba.training.limits import Limits
from tests import reference
from tests.programs import chances, image, tiny_image


def little(env="CartPole-v1", **parts):
    return Agent(env, network=MLP(hidden=8, head_init="orthogonal"), workers=1, **parts)


def remembering(env="CartPole-v1", **parts):
    network = MLP(hidden=8, layers=1, recurrent=True, cells=6, head_init="orthogonal")
    return Agent(env, network=network, workers=1, **parts)


def random_rollout(agent, T=6, seed=0):
    rng, shape = np.random.default_rng(seed), agent.observation_space.shape
    obs = rng.normal(size=(T, *shape)).astype(np.float32)
    return obs, rng.integers(agent.action_space.n, size=T), rng.normal(size=T).astype(np.float32)


# ---- making one

def test_networks_follow_the_observations():
    assert isinstance(Agent("CartPole-v1").config.network, MLP)
    assert isinstance(Agent(image).config.network, Convolutional)
    agent = Agent(chances, A3C(t_max=7), RMSProp(learning_rate=1e-5), MLP(hidden=3), workers=5, seed=9)
    config = agent.config
    assert (config.algorithm.t_max, config.optimizer.learning_rate, config.network.hidden) == (7, 1e-5, 3)
    assert (config.workers, config.seed, config.env) == (5, 9, chances)


def tunnel(length=4, truncates=False):
    return Corridor(length, truncates)


def test_arguments_reach_an_id_and_a_factory_and_are_kept(tmp_path):
    for env in ("Corridor", tunnel):
        agent = little(env, env_kwargs={"length": 3}).learn(100, out=tmp_path / "run")
        assert agent.observation_space.shape == (3,)
        agent.save(tmp_path / "agent.npz")
        again = Agent.load(tmp_path / "agent.npz", None if env == "Corridor" else env)
        assert again.config.env_kwargs == {"length": 3} and len(again.evaluate(2)) == 2
        other = Agent.load(tmp_path / "agent.npz", env, env_kwargs={"length": 3, "truncates": True})
        assert other.make_env().unwrapped.truncates
        assert json.loads((tmp_path / "run/config.json").read_text())["env_kwargs"] == {"length": 3}
        shutil.rmtree(tmp_path / "run")


@pytest.mark.parametrize("kwargs", [5, [], {"length": {1, 2}}, {"length": float("inf")}, {5: 1}, {"width": 3},
                                    {"length": np.zeros(3)}, {"render_mode": "human"}], ids=str)
def test_arguments_that_are_no_json_or_unknown_are_one_line(kwargs):
    with pytest.raises(ValueError) as caught:
        Agent("Corridor", env_kwargs=kwargs)
    assert "\n" not in str(caught.value)


def test_the_environment_of_an_agent_is_as_it_sees_it():
    agent = little(lettered)
    env = agent.make_env()
    obs, _ = env.reset(seed=0)
    assert (env.action_space, env.observation_space) == (agent.action_space, agent.observation_space)
    action, _ = agent.predict(obs)
    assert action in (0, 1) and env.step(action)[1] == 1 + action


class Lettered(gymnasium.Env):
    """Actions 1 and 2, which are rewards too; observations in parts."""

    action_space = gymnasium.spaces.Discrete(2, start=1)
    observation_space = gymnasium.spaces.Dict({"a": gymnasium.spaces.Discrete(3), "b": gymnasium.spaces.MultiBinary(2)})

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.t = 0
        return {"a": 1, "b": np.ones(2, np.int8)}, {}

    def step(self, action):
        self.t += 1
        return {"a": 1, "b": np.ones(2, np.int8)}, float(action), self.t == 5, False, {}


def lettered():
    return Lettered()


def test_one_observation_of_parts_can_be_predicted_as_it_comes():
    agent, env = little(lettered), Lettered()
    obs, _ = env.reset()
    assert agent.predict(obs, deterministic=True) == agent.predict([0, 1, 0, 1, 1], deterministic=True)
    with pytest.raises(ValueError, match=r"^an observation must be one of Dict\(.*; got {'a': 1}$"):
        agent.predict({"a": 1})
    with pytest.raises(ValueError, match="^observations of a Dict are taken one at a time, or flattened"):
        agent.predict([obs, obs])
    with pytest.raises(ValueError, match="^observations must be arrays; got {'a': 1}$"):
        little().predict({"a": 1})


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_observations_that_are_not_finite_are_refused(bad):
    with pytest.raises(ValueError, match="^observations must be finite numbers$"):
        little().predict(np.full(4, bad))


def test_a_float_without_a_fraction_is_a_whole_number():
    agent = Agent(chances, hidden=8.0, workers=1.0).learn(2e2)
    assert (agent.config.total_steps, agent.config.workers, agent.config.network.hidden) == (200, 1, 8)
    assert all(type(n) is int for n in (agent.config.total_steps, agent.config.workers, agent.config.network.hidden))


def test_an_agent_of_parts_and_shifted_actions_learns():
    agent = little(lettered).learn(400)
    assert all(5 <= score <= 10 for score in agent.evaluate(3))


def test_the_seed_determines_the_parameters():
    one, same, other = (Agent("Catch", seed=seed).parameters() for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("arguments", [
    {"env": "Cach"}, {"env": "FrozenLake-v1"}, {"env": tiny_image}, {"env": "Catch", "workers": 0},
    {"env": "Catch", "workers": 1.5}, {"env": "Catch", "seed": -1}, {"env": "Catch", "network": Convolutional()},
    {"env": "Catch", "algorithm": A3C(discount=float("nan"))}, {"env": "Catch", "preset": "best"},
    {"env": "Pendulum-v1", "algorithm": "n_step_q"}, {"env": "Pendulum-v1", "algorithm": OneStepSarsa()},
    {"env": "Catch", "algorithm": OneStepQ(target_interval=0)},
    {"env": "Catch", "optimizer": MomentumSGD(momentum=1.0)},
    {"env": "Catch", "network": MLP(recurrent=True, cells=0)}])
def test_what_cannot_be_used_raises_one_line(arguments):
    with pytest.raises(ValueError) as error:
        Agent(**arguments)
    assert str(error.value) and "\n" not in str(error.value)


def test_methods_and_optimizers_by_name_or_as_objects():
    named = Agent("Catch", "one_step_sarsa", "local_rmsprop", workers=2).config
    assert named.algorithm == PRESETS["classic"].algorithms["one_step_sarsa"] != OneStepSarsa()
    assert named.optimizer == LocalRMSProp(**dataclasses.asdict(PRESETS["classic"].optimizer)) != LocalRMSProp()
    given = Agent("Catch", NStepQ(t_max=7), MomentumSGD()).config
    assert given.algorithm == NStepQ(t_max=7) and given.optimizer == MomentumSGD()


# ---- acting

def test_predict_takes_one_observation_or_many():
    agent = little()
    obs = np.random.default_rng(0).normal(size=(5, 4)).astype(np.float32)
    actions, state = agent.predict(obs)
    assert actions.shape == (5,) and actions.dtype == np.int64 and state is None and set(actions) <= {0, 1}
    action, state = agent.predict(obs[0], state="handed back")
    assert type(action) is int and state == "handed back"
    assert agent.predict(obs[:1])[0].shape == (1,)
    assert agent.predict(obs[0].tolist(), deterministic=True)[0] == agent.predict(obs, deterministic=True)[0][0]


def test_predict_draws_from_the_policy_or_takes_its_best():
    agent = little()
    obs = np.zeros((4000, 4), np.float32)
    agent.parameters()["policy.head.weight"][:] = 0
    agent.parameters()["policy.head.bias"][:] = 0, np.log(3)
    drawn = agent.predict(obs)[0]
    assert drawn.mean() == pytest.approx(0.75, abs=0.03)
    assert (agent.predict(obs, deterministic=True)[0] == 1).all()


def test_batched_and_single_actions_agree():
    agent = little()
    obs = np.random.default_rng(0).normal(size=(20, 4)).astype(np.float32)
    batched, _ = agent.predict(obs, deterministic=True)
    assert batched.tolist() == [agent.predict(row, deterministic=True)[0] for row in obs]


@pytest.mark.parametrize("algorithm", ["n_step_q", "one_step_q", "one_step_sarsa"])
def test_a_value_method_is_greedy_except_for_evaluation_epsilon(algorithm):
    agent = little(algorithm=algorithm)
    agent.parameters()["q.head.weight"][:] = 0
    agent.parameters()["q.head.bias"][:] = 0, 1
    obs = np.zeros((4000, 4), np.float32)
    assert (agent.predict(obs, deterministic=True)[0] == 1).all()
    drawn = agent.predict(obs)[0]
    assert drawn.dtype == np.int64 and (drawn == 0).mean() == pytest.approx(0.05 / 2, abs=4 * np.sqrt(0.025 / 4000))


def test_continuous_actions_are_clipped_to_the_box():
    agent = little("Pendulum-v1")
    obs = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    for mean, wanted in ((100, 2), (-100, -2)):
        agent.parameters()["policy.head.bias"][0] = mean
        for deterministic in (False, True):
            actions, _ = agent.predict(obs, deterministic=deterministic)
            assert actions.shape == (50, 1) and actions.dtype == np.float32 and (actions == wanted).all()
            assert agent.predict(obs[0], deterministic=deterministic)[0].tolist() == [wanted]
    agent.parameters()["policy.head.weight"][:] = 0
    agent.parameters()["policy.head.bias"][:] = 0.25, 10                 # a standard deviation of 3.2
    assert (agent.predict(obs, deterministic=True)[0] == 0.25).all()
    drawn = agent.predict(obs)[0]
    assert all(agent.action_space.contains(action) for action in drawn) and len(np.unique(drawn)) > 10


def after(agent, rows, **arguments):
    """The state after acting on ``rows`` one after the other."""
    state = None
    for row in rows:
        _, state = agent.predict(row, state=state, **arguments)
    return state


def test_a_recurrent_policy_hands_out_what_it_remembers():
    agent = remembering()
    obs = np.random.default_rng(0).normal(size=(3, 5, 4)).astype(np.float32)          # steps, environments, numbers
    size = agent.policy.state_size
    assert size == 2 * 2 * 6
    actions, state = agent.predict(obs[0])
    assert actions.shape == (5,) and state.shape == (5, size) and state.any(axis=1).all()
    again, later = agent.predict(obs[0])[1], agent.predict(obs[1], state=state)[1]
    np.testing.assert_array_equal(state, again)                          # None is the very beginning
    assert (later != agent.predict(obs[1])[1]).any(axis=1).all()
    action, single = agent.predict(obs[0, 0])
    assert type(action) is int and single.shape == (1, size)


def test_a_recurrent_batch_is_its_environments_one_by_one():
    agent = remembering()
    obs, state = np.random.default_rng(0).normal(size=(4, 5, 4)).astype(np.float32), None
    for t in range(4):
        actions, state = agent.predict(obs[t], state=state, deterministic=True)
    for i in range(5):
        alone = after(agent, obs[:, i], deterministic=True)
        np.testing.assert_allclose(state[i], alone[0], rtol=1e-6, atol=1e-7)
        action, _ = agent.predict(obs[3, i], state=after(agent, obs[:3, i]), deterministic=True)
        assert action == actions[i]


def test_a_recurrent_policy_equals_the_network_over_an_episode():
    agent = remembering()
    obs = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
    cache = agent.network.cache(6, np.float32)
    agent.network.forward(agent.policy.parameters.tree, obs, cache, slice(0, 6))
    np.testing.assert_allclose(after(agent, obs)[0], RecurrentState(cache).read(6), rtol=1e-5, atol=1e-6)


def test_where_an_episode_starts_its_memories_are_dropped():
    agent = remembering()
    obs = np.random.default_rng(0).normal(size=(2, 4, 4)).astype(np.float32)
    _, state = agent.predict(obs[0])
    kept = state.copy()
    _, mixed = agent.predict(obs[1], state=state, episode_start=np.array([True, False, False, True]))
    fresh, gone_on = agent.predict(obs[1])[1], agent.predict(obs[1], state=state)[1]
    np.testing.assert_array_equal(mixed, np.stack([fresh[0], gone_on[1], gone_on[2], fresh[3]]))
    assert (fresh != gone_on).any(axis=1).all()
    np.testing.assert_array_equal(state, kept)                           # what was handed in is the caller's
    np.testing.assert_array_equal(agent.predict(obs[1], state=state, episode_start=np.ones(4, bool))[1], fresh)
    one = agent.predict(obs[1, 0], state=state[:1], episode_start=True)[1]
    np.testing.assert_allclose(one[0], fresh[0], rtol=1e-6)


@pytest.mark.parametrize("shape", [(), (24,), (5, 23), (5, 25), (4, 24), (1, 24), (5, 24, 1)])
def test_a_state_of_another_shape(shape):
    agent = remembering()
    with pytest.raises(ValueError, match=r"state must be of shape \(5, 24\), as predict returned it; got"):
        agent.predict(np.zeros((5, 4)), state=np.zeros(shape))


def test_recurrent_images_can_be_predicted():
    agent = Agent(image, network=Convolutional(dense=8, recurrent=True, cells=6))
    obs = np.stack([agent.observation_space.sample() for _ in range(3)])
    actions, state = agent.predict(obs)
    assert actions.shape == (3,) and state.shape == (3, 12)


def test_images_can_be_predicted():
    agent = Agent(image)
    obs = agent.observation_space.sample()
    assert agent.predict(obs)[0] in range(3) and agent.predict(np.stack([obs] * 3))[0].shape == (3,)


@pytest.mark.parametrize("shape", [(), (3,), (5,), (2, 3), (2, 2, 4), (4, 5)])
def test_observations_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"observations must be of shape \(4,\)"):
        little().predict(np.zeros(shape))


@pytest.mark.parametrize("make", [little, remembering])
def test_it_fits_what_sb3_calls_a_model(make):
    """The loop of Stable-Baselines3's ``evaluate_policy`` over a vector environment."""
    agent, envs = make(), [gymnasium.make("CartPole-v1") for _ in range(3)]
    obs = np.stack([env.reset(seed=i)[0] for i, env in enumerate(envs)])
    states, episode_starts, lengths = None, np.ones(3, bool), []
    current = np.zeros(3)
    while len(lengths) < 5:
        actions, states = agent.predict(obs, state=states, episode_start=episode_starts, deterministic=False)
        current += 1
        for i, env in enumerate(envs):
            obs[i], _, terminated, truncated, _ = env.step(actions[i])
            episode_starts[i] = terminated or truncated
            if episode_starts[i]:
                lengths.append(current[i])
                current[i], obs[i] = 0, env.reset()[0]
    assert all(length >= 8 for length in lengths)


def test_evaluate_gives_scores():
    agent = little()
    scores = agent.evaluate(4, seed=3)
    assert scores.shape == (4,) and (scores >= 8).all()
    assert np.array_equal(agent.evaluate(4, seed=3), scores) and np.array_equal(agent.evaluate(2, seed=3), scores[:2])
    assert not np.array_equal(agent.evaluate(4, seed=4), scores)
    with pytest.raises(ValueError):
        agent.evaluate(0)
    with pytest.raises(ValueError):
        agent.evaluate(1, "human")


# ---- parameters and gradients

def test_parameters_are_views():
    agent = little()
    views = agent.parameters()
    assert {name: view.shape for name, view in views.items()} == {
        f"{network}.{layer}": shape for network, outputs in (("policy", 2), ("value", 1)) for layer, shape in
        {"dense1.weight": (4, 8), "dense1.bias": (8,), "dense2.weight": (8, 8), "dense2.bias": (8,),
         "head.weight": (8, outputs), "head.bias": (outputs,)}.items()}
    views["policy.head.bias"][:] = 100, 0
    assert (agent.predict(np.zeros((50, 4)))[0] == 0).all()
    assert {"conv1.weight", "conv2.bias", "dense.weight"} < set(Agent(image).parameters())


def documented_loss(p, obs, actions, returns, advantages, entropy_weight, value_weight):
    """L of ``Agent.gradients``, written out with nothing but NumPy."""
    def network(name):
        h = np.maximum(obs @ p[f"{name}.dense1.weight"] + p[f"{name}.dense1.bias"], 0)
        h = np.maximum(h @ p[f"{name}.dense2.weight"] + p[f"{name}.dense2.bias"], 0)
        return h @ p[f"{name}.head.weight"] + p[f"{name}.head.bias"]
    logits, values = network("policy"), network("value")[:, 0]
    pi = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    advantages = returns - values if advantages is None else advantages
    loss = 0.0
    for t, action in enumerate(actions):
        loss += -np.log(pi[t, action]) * advantages[t] - entropy_weight * -(pi[t] * np.log(pi[t])).sum()
        loss += value_weight * (returns[t] - values[t]) ** 2
    return loss, returns - values


def test_gradients_are_those_of_the_documented_loss():
    agent = little(algorithm=A3C(entropy_weight=0.3, value_weight=0.7))
    obs, actions, returns = random_rollout(agent)
    gradients = agent.gradients(obs, actions, returns)
    p = {name: view.astype(np.float64) for name, view in agent.parameters().items()}
    _, advantages = documented_loss(p, obs.astype(np.float64), actions, returns, None, 0.3, 0.7)
    assert gradients.keys() == p.keys()
    for name, view in p.items():
        numeric = np.empty_like(view)
        for i in np.ndindex(view.shape):
            here, h, ends = view[i], 1e-6, []
            for view[i] in (here + h, here - h):
                ends.append(documented_loss(p, obs.astype(np.float64), actions, returns, advantages, 0.3, 0.7)[0])
            view[i], numeric[i] = here, (ends[0] - ends[1]) / (2 * h)
        assert gradients[name] == pytest.approx(numeric, rel=1e-4, abs=1e-4 * np.abs(numeric).max()), name


@pytest.mark.parametrize("algorithm", [NStepQ(), OneStepQ(), OneStepSarsa()])
def test_value_method_gradients_are_those_of_the_documented_loss(algorithm):
    agent = little(algorithm=algorithm)
    obs, actions, returns = random_rollout(agent)
    p = {name: view.astype(np.float64) for name, view in agent.parameters().items()}

    def loss():
        h = np.maximum(obs @ p["q.dense1.weight"] + p["q.dense1.bias"], 0)
        h = np.maximum(h @ p["q.dense2.weight"] + p["q.dense2.bias"], 0)
        q = h @ p["q.head.weight"] + p["q.head.bias"]
        return sum((returns[t] - q[t, action]) ** 2 for t, action in enumerate(actions))
    gradients = agent.gradients(obs, actions, returns)
    assert gradients.keys() == p.keys()
    for name, view in p.items():
        numeric = reference.coordinate_gradient(loss, view, 1e-6)
        assert np.abs(numeric).max() > 0
        assert gradients[name] == pytest.approx(numeric, rel=1e-4, abs=1e-4 * np.abs(numeric).max()), name


def test_gradients_of_continuous_actions():
    """The policy's bias is the mean itself: dL/d mu = -A (a - mu) / v, once for every step."""
    agent = little("Pendulum-v1", algorithm=A3C(entropy_weight=0.0))
    p, rng = agent.parameters(), np.random.default_rng(0)
    p["policy.head.weight"][:], p["policy.head.bias"][:], p["value.head.weight"][:] = 0, (0.5, 0), 0
    p["value.head.bias"][:] = 0.25
    obs, returns = rng.normal(size=(6, 3)).astype(np.float32), rng.normal(size=6).astype(np.float32)
    actions = rng.normal(size=(6, 1)).astype(np.float32)
    gradients, v = agent.gradients(obs, actions, returns), np.log(2) + 1e-3
    wanted = (-(returns - 0.25) * (actions[:, 0] - 0.5) / v).sum()
    assert gradients["policy.head.bias"][0] == pytest.approx(wanted, rel=1e-5)
    assert gradients["value.head.bias"][0] == pytest.approx((0.25 - returns).sum(), rel=1e-5)
    for wrong in (actions[:, 0], actions[:5], np.concatenate([actions, actions], axis=1)):
        with pytest.raises(ValueError, match="are no rollout"):
            agent.gradients(obs, wrong, returns)


def test_gradients_add_up_over_the_rollout():
    agent = little()
    obs, actions, returns = random_rollout(agent)
    whole = agent.gradients(obs, actions, returns)
    rows = [agent.gradients(obs[t:t + 1], actions[t:t + 1], returns[t:t + 1]) for t in range(len(obs))]
    for name in whole:
        assert whole[name] == pytest.approx(sum(row[name] for row in rows), rel=1e-4, abs=1e-5)


METHODS = [A3C(t_max=6), NStepQ(t_max=6), OneStepQ(update_interval=6), OneStepSarsa(update_interval=6)]
RECURRENT = MLP(hidden=8, recurrent=True, cells=6, head_init="orthogonal")
ACCUMULATED = [("Pendulum-v1", A3C(t_max=6), MLP()), ("Pendulum-v1", A3C(t_max=6), RECURRENT),
               *((env, algorithm, network) for env, networks in (
                   ("CartPole-v1", (MLP(), RECURRENT)), (image, (Convolutional(dense=8),)))
                 for algorithm in METHODS for network in networks)]


@pytest.mark.parametrize("env, algorithm, network", ACCUMULATED)
def test_gradients_are_what_a_worker_accumulates(env, algorithm, network):
    agent = Agent(env, algorithm, RMSProp(), network, workers=1)
    theta, seen = agent.policy.parameters.flat.copy(), {}
    shared = Shared(len(theta), 1, has_target=algorithm.uses_target_network)
    shared.theta[:] = theta
    shared.target[:] = theta[:shared.target.size] / 2
    worker = Worker(0, agent.config, shared, np.random.SeedSequence(3))
    optimizer, algorithm = agent.config.optimizer, agent.config.algorithm
    loss_gradient, update = algorithm.loss_gradient, optimizer.update
    try:
        object.__setattr__(algorithm, "loss_gradient", lambda pi, actions, returns, outputs, progress: (
            seen.update(actions=actions.copy(), returns=returns.copy()),
            loss_gradient(pi, actions, returns, outputs))[1])
        object.__setattr__(optimizer, "update", lambda theta, g, d_theta, local, eta: (
            seen.update(d_theta=d_theta.copy()), update(theta, g, d_theta, local, eta))[1])
        worker.update()
    finally:
        object.__delattr__(algorithm, "loss_gradient")
        object.__delattr__(optimizer, "update")
    assert len(seen["actions"]) == 6
    gradients = agent.gradients(worker.collector.obs[:6], seen["actions"], seen["returns"])
    flat = np.concatenate([gradient.reshape(-1) for gradient in gradients.values()])
    assert np.abs(flat).max() > 0 and flat == pytest.approx(seen["d_theta"], rel=1e-4, abs=1e-6)


@pytest.mark.parametrize("T, actions, returns", [(3, [0, 1], [0., 0.]), (2, [0, 1], [0.]), (2, [0, 2], [0., 0.]),
                                                 (2, [-1, 0], [0., 0.]), (0, [], [])])
def test_what_is_no_rollout(T, actions, returns):
    with pytest.raises(ValueError):
        little().gradients(np.zeros((T, 4)), actions, returns)


def test_observations_of_another_shape_have_no_gradient():
    with pytest.raises(ValueError):
        little().gradients(np.zeros((2, 3)), [0, 1], [0., 0.])


# ---- learning

def test_learning_changes_the_parameters_and_fills_the_folder(tmp_path):
    agent = little(chances)
    before = {name: view.copy() for name, view in agent.parameters().items()}
    assert agent.learn(300, out=tmp_path / "run") is agent
    assert all(not np.array_equal(before[name], view) for name, view in agent.parameters().items())
    final = load(tmp_path / "run" / "final.npz", chances)
    assert np.array_equal(final.theta, agent.policy.parameters.flat) and 300 <= final.global_step < 320
    assert json.loads((tmp_path / "run" / "config.json").read_text())["env"] == "chances"
    assert (tmp_path / "run" / "curve.png").exists()


def test_learning_refuses_a_folder_with_a_run_and_wrong_numbers(catch_run, tmp_path):
    agent = little("Catch")
    theta = agent.policy.parameters.flat.copy()
    with pytest.raises(ValueError, match="already holds a run"):
        agent.learn(100, out=catch_run)
    (tmp_path / "sweep.json").touch()
    with pytest.raises(ValueError, match="holds a sweep"):
        agent.learn(100, out=tmp_path)
    for steps in (0, -1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="total_steps must be"):
            agent.learn(steps, out=tmp_path / "run")
    assert not (tmp_path / "run").exists() and np.array_equal(theta, agent.policy.parameters.flat)


def test_a_callback_sees_progress_and_ends_the_run():
    seen = []
    little(chances).learn(10**8, callback=lambda progress: seen.append(progress) or (            # T is read last
        progress.global_step < 500 or not progress.episodes), callback_seconds=0.01)
    steps = [progress.global_step for progress in seen]
    assert steps == sorted(steps) and steps[-1] >= 500
    assert seen[-1].episodes > 0 and 0 < seen[-1].learning_rate <= 1 and seen[-1].updates > 0


def test_progress_is_shown_on_request(capsys):
    little(chances).learn(100, progress=True)
    assert "/100 steps" in capsys.readouterr().err
    little(chances).learn(100)
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("make, parts", [
    (little, {}), (remembering, {"algorithm": "n_step_q", "optimizer": "momentum_sgd"})])
def test_one_worker_and_one_seed_give_one_result(make, parts):
    one, same = (make(chances, seed=4, **parts).learn(200).policy.parameters.flat for _ in range(2))
    assert np.array_equal(one, same)


def test_a_recurrent_value_method_learns_again_and_is_saved(tmp_path):
    agent = remembering(chances, algorithm="one_step_sarsa", optimizer="local_rmsprop").learn(100)
    theta = agent.policy.parameters.flat.copy()
    agent.learn(100, out=tmp_path / "run")
    assert not np.array_equal(agent.policy.parameters.flat, theta)
    latest = load(tmp_path / "run" / "latest.npz", chances)
    assert latest.target.shape == latest.statistics.shape == theta.shape
    agent.save(tmp_path / "agent.npz")
    saved = load(tmp_path / "agent.npz", chances)
    assert saved.statistics is saved.target is None
    loaded = Agent.load(tmp_path / "agent.npz", chances)
    assert np.array_equal(loaded.policy.parameters.flat, agent.policy.parameters.flat)
    assert np.array_equal(loaded.evaluate(2), agent.evaluate(2))


def play(agent, episodes, seed=0):
    """Scores of games that are played by ``predict``, as a caller would."""
    env, scores = agent.make_env(), []
    for episode in range(episodes):
        obs, _ = env.reset(seed=seed + episode)
        over, score = False, 0.0
        while not over:
            obs, reward, terminated, truncated, _ = env.step(agent.predict(obs, deterministic=True)[0])
            over, score = terminated or truncated, score + float(reward)
        scores.append(score)
    return np.array(scores)


COPIES = {"copy": copy.copy, "deepcopy": copy.deepcopy, "pickle": lambda agent: pickle.loads(pickle.dumps(agent))}


@pytest.mark.parametrize("copied", COPIES.values(), ids=COPIES)
def test_a_copy_learns_and_is_saved_apart_from_its_original(copied, tmp_path):
    agent = little("Catch")
    theta = agent.policy.parameters.flat.copy()
    other, biased = copied(agent), "policy.head.bias"
    views = other.parameters()
    other.learn(200)
    assert (agent.policy.parameters.flat == theta).all() and (other.policy.parameters.flat != theta).any()
    views[biased][:] = -100, -100, 100                                   # always to the right
    assert other.predict(np.zeros(50), deterministic=True)[0] == 2
    other.save(tmp_path / "agent.npz")
    saved = Agent.load(tmp_path / "agent.npz")
    np.testing.assert_array_equal(saved.policy.parameters.flat, other.policy.parameters.flat)
    assert saved.parameters()[biased].tolist() == [-100, -100, 100]
    scores = play(other, 20)
    assert scores.mean() == play(saved, 20).mean() and abs(scores.mean()) < 1
    assert (other.evaluate(20, deterministic=True) == saved.evaluate(20, deterministic=True)).all()
    other.observation_space.seed(1)
    assert other.action_space == agent.action_space and other.observation_space is not agent.observation_space


def test_after_an_exception_in_learn_there_is_still_one_theta(tmp_path):
    agent = copy.deepcopy(little(chances))
    with pytest.raises(ZeroDivisionError):
        agent.learn(10**8, callback=lambda progress: 1 / 0, callback_seconds=0.01)
    for view in agent.parameters().values():
        view[:] = 0
    agent.save(tmp_path / "agent.npz")
    assert not load(tmp_path / "agent.npz", chances).theta.any() and not agent.policy.parameters.flat.any()
    assert agent.learn(100).policy.parameters.flat.any()


# ---- files

def test_saved_and_loaded_it_is_the_same(tmp_path):
    agent = little()
    agent.parameters()["policy.dense1.bias"][3] = 0.5
    agent.save(tmp_path / "agent.npz")
    loaded = Agent.load(tmp_path / "agent.npz")
    assert loaded.config == agent.config
    assert all(np.array_equal(view, loaded.parameters()[name]) for name, view in agent.parameters().items())
    assert np.array_equal(agent.evaluate(2), loaded.evaluate(2))
    assert load(tmp_path / "agent.npz").statistics is None


def test_a_factory_or_another_environment_can_be_given(tmp_path):
    little(chances).save(tmp_path / "agent.npz")
    with pytest.raises(CheckpointError, match="give env="):
        Agent.load(tmp_path / "agent.npz")
    assert Agent.load(tmp_path / "agent.npz", env=chances).evaluate(1).shape == (1,)
    for env in ("CartPole-v1", image):
        with pytest.raises(CheckpointError, match="another network or environment"):
            Agent.load(tmp_path / "agent.npz", env=env)


def test_a_runs_checkpoint_is_an_agent_and_can_learn_on(catch_run, tmp_path):
    agent = Agent.load(str(catch_run / "final.npz"))
    theta = agent.policy.parameters.flat.copy()
    agent.learn(100, out=tmp_path / "again")
    assert not np.array_equal(theta, agent.policy.parameters.flat)
    assert load(tmp_path / "again" / "final.npz").global_step < 200


def test_a_file_that_is_none(tmp_path):
    with pytest.raises(CheckpointError, match="no such file"):
        Agent.load(tmp_path / "agent.npz")
    (tmp_path / "file").touch()
    with pytest.raises(OSError):
        little().save(tmp_path / "file" / "agent.npz")


def test_a_folder_that_is_missing_is_made(tmp_path):
    little().save(tmp_path / "models" / "new" / "agent.npz")
    assert (tmp_path / "models" / "new" / "agent.npz").stat().st_size > 1000


@pytest.mark.parametrize("home", ["~/agents", "~"])
def test_a_tilde_is_the_home_folder(home, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / "agents").mkdir()
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    agent, folder = little("Catch"), Path(home).expanduser()
    agent.save(f"{home}/agent.npz")
    agent.learn(100, out=Path(f"{home}/run"))
    assert (folder / "agent.npz").exists() and (folder / "run" / "final.npz").exists()
    assert Agent.load(f"{home}/run").config == agent.config
    assert Agent.load(f"{home}/agent.npz").config.network == agent.config.network
    assert Agent.resume(f"{home}/run", total_steps=1000).config.total_steps == 1000
    assert not [*(tmp_path / "here").iterdir()]


def test_without_a_home_folder_a_tilde_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr("os.path.expanduser", lambda path: os.fspath(path))
    monkeypatch.chdir(tmp_path)
    for call in (little().save, lambda path: little().learn(100, path), Agent.load, Agent.resume):
        with pytest.raises(ValueError, match="^~/x: this user has no home folder; give the whole path, or ./~ "):
            call("~/x")
    little().save("./~")
    assert Agent.load("./~").config == little().config and [path.name for path in tmp_path.iterdir()] == ["~"]


def test_a_runs_folder_is_an_agent(catch_run, tmp_path):
    final = load(catch_run / "final.npz")
    assert (Agent.load(catch_run).policy.parameters.flat == final.theta).all()
    with pytest.raises(CheckpointError, match="holds no checkpoint"):
        Agent.load(tmp_path)


def test_a_seed_of_none_is_drawn_and_recorded(tmp_path):
    one, other = little(seed=None), little(seed=None)
    assert one.config.seed != other.config.seed
    assert any((one.parameters()[name] != view).any() for name, view in other.parameters().items())
    again = little(seed=one.config.seed)
    assert (again.policy.parameters.flat == one.policy.parameters.flat).all()
    one.save(tmp_path / "agent.npz")
    assert Agent.load(tmp_path / "agent.npz").config.seed == one.config.seed
    assert little().config.seed == 0 and one.evaluate(2, seed=None).shape == (2,)


# ---- what a fresh pair of eyes found

def test_views_handed_out_before_learning_stay_the_agents():
    agent = Agent("Catch", workers=1)
    views = agent.parameters()
    before = {name: view.copy() for name, view in views.items()}
    agent.learn(200)
    assert all(np.shares_memory(views[name], view) for name, view in agent.parameters().items())
    assert any((views[name] != before[name]).any() for name in views)


@pytest.mark.parametrize("part, value", [
    ("algorithm", "sarsa"), ("algorithm", A3C), ("algorithm", RMSProp()), ("optimizer", "adam"), ("optimizer", A3C()),
    ("network", A3C())])
def test_a_part_of_another_kind_is_refused(part, value):
    with pytest.raises(ValueError, match=f"^{part} must be [^\n]*$"):
        Agent("Catch", **{part: value})


def test_a_factory_that_no_worker_can_have_is_refused_at_once():
    with pytest.raises(ValueError, match="cannot be pickled"):
        Agent(partial(print, threading.Lock()), preset="classic")


def test_images_scaled_to_1_are_refused_rather_than_made_black():
    agent = Agent(image)
    with pytest.raises(ValueError, match="must be uint8; got float64"):
        agent.predict(np.ones(agent.observation_space.shape) * 0.5)


@pytest.mark.parametrize("numbers, told", [(300, "300 to 300"), (-1, "-1 to -1"), (2**32 + 5, "4294967301 to")])
def test_numbers_that_are_no_bytes_are_refused_not_wrapped(numbers, told):
    agent = Agent(image)
    with pytest.raises(ValueError, match=f"^observations must be uint8; got numbers from {told}[^\n]*$"):
        agent.predict(np.full(agent.observation_space.shape, numbers))
    bytes_of_another_width = np.full(agent.observation_space.shape, 255, np.int64)
    assert agent.predict(bytes_of_another_width)[0] in range(3)
    assert agent.predict(bytes_of_another_width.astype(bool))[0] in range(3)


@pytest.mark.parametrize("obs, kind", [(np.zeros(4, np.complex64), "complex64"), ([None] * 4, "object"),
                                       (["1", "2", "3", "4"], "<U1")])
def test_what_are_no_real_numbers_is_refused(obs, kind):
    for call in (lambda: little().predict(obs), lambda: little().gradients([obs], [0], [0.])):
        with pytest.raises(ValueError, match=f"^observations must be float32; got {kind}$"):
            call()


@pytest.mark.parametrize("argument, value, told", [
    ("out", "", "out must be the name of a folder; got ''"), ("callback", 5, "callback must be a function; got 5"),
    ("limits", None, r"limits must be Limits\(\); got None"),
    ("limits", Limits, r"limits must be Limits\(\); got <class ")])
def test_unusable_arguments_of_learn_are_refused_before_a_start(tmp_path, monkeypatch, argument, value, told):
    monkeypatch.chdir(tmp_path)
    agent = little("Catch")
    theta = agent.policy.parameters.flat.copy()
    with pytest.raises(ValueError, match=f"^{told}[^\n]*$"):
        agent.learn(**({"total_steps": 100, "out": "run", argument: value}))
    assert not list(tmp_path.iterdir()) and np.array_equal(agent.policy.parameters.flat, theta)


def test_sticky_actions_are_for_atari():
    with pytest.raises(ValueError, match="protocol sticky is for Atari games"):
        Agent("Catch").evaluate(1, protocol="sticky")
