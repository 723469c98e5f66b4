"""The API: what a script can do with an ``Agent``."""

import json
import multiprocessing

import gymnasium
import numpy as np
import pytest

from a3c_numba import A3C, MLP, Agent, CheckpointError, Convolutional, RMSProp
from a3c_numba.checkpoint import load
from a3c_numba.shared import Shared
from a3c_numba.worker import Worker
from tests.programs import chances, image, reports_often, tiny_image


def little(env="CartPole-v1", **parts):
    return Agent(env, network=MLP(hidden=8, head_init="orthogonal"), workers=1, **parts)


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


def test_the_seed_determines_the_parameters():
    one, same, other = (Agent("Catch", seed=seed).parameters() for seed in (1, 1, 2))
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert any(not np.array_equal(one[name], other[name]) for name in one)


@pytest.mark.parametrize("arguments", [
    {"env": "Cach"}, {"env": "Pendulum-v1"}, {"env": tiny_image}, {"env": "Catch", "workers": 0},
    {"env": "Catch", "workers": 1.0}, {"env": "Catch", "seed": -1}, {"env": "Catch", "network": Convolutional()},
    {"env": "Catch", "algorithm": A3C(discount=float("nan"))}, {"env": "Catch", "preset": "best"}])
def test_what_cannot_be_used_raises_one_line(arguments):
    with pytest.raises(ValueError) as error:
        Agent(**arguments)
    assert str(error.value) and "\n" not in str(error.value)


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


def test_images_can_be_predicted():
    agent = Agent(image)
    obs = agent.observation_space.sample()
    assert agent.predict(obs)[0] in range(3) and agent.predict(np.stack([obs] * 3))[0].shape == (3,)


@pytest.mark.parametrize("shape", [(), (3,), (5,), (2, 3), (2, 2, 4), (4, 5)])
def test_observations_of_another_shape(shape):
    with pytest.raises(ValueError, match=r"observations must be of shape \(4,\)"):
        little().predict(np.zeros(shape))


def test_it_fits_what_sb3_calls_a_model():
    """The loop of Stable-Baselines3's ``evaluate_policy`` over a vector environment."""
    agent, envs = little(), [gymnasium.make("CartPole-v1") for _ in range(3)]
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


def test_gradients_add_up_over_the_rollout():
    agent = little()
    obs, actions, returns = random_rollout(agent)
    whole = agent.gradients(obs, actions, returns)
    rows = [agent.gradients(obs[t:t + 1], actions[t:t + 1], returns[t:t + 1]) for t in range(len(obs))]
    for name in whole:
        assert whole[name] == pytest.approx(sum(row[name] for row in rows), rel=1e-4, abs=1e-5)


@pytest.mark.parametrize("env", ["CartPole-v1", image])
def test_gradients_are_what_a_worker_accumulates(env):
    agent = Agent(env, A3C(t_max=6), workers=1)
    theta, seen = agent.policy.parameters.flat.copy(), {}
    shared = Shared(multiprocessing.get_context("spawn"), len(theta), 1)
    shared.theta[:] = theta
    worker = Worker(0, agent.config, shared, np.random.SeedSequence(3))
    optimizer, algorithm = agent.config.optimizer, agent.config.algorithm
    loss_gradient, update = algorithm.loss_gradient, optimizer.update
    try:
        object.__setattr__(algorithm, "loss_gradient", lambda actions, returns, outputs, progress: (
            seen.update(actions=actions.copy(), returns=returns.copy()), loss_gradient(actions, returns, outputs))[1])
        object.__setattr__(optimizer, "update", lambda theta, g, d_theta, local, eta: (
            seen.update(d_theta=d_theta.copy()), update(theta, g, d_theta, local, eta))[1])
        worker.update()
    finally:
        object.__delattr__(algorithm, "loss_gradient")
        object.__delattr__(optimizer, "update")
    gradients = agent.gradients(worker.player.obs[:len(seen["actions"])], seen["actions"], seen["returns"])
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


def test_learning_refuses_a_folder_with_a_run_and_wrong_numbers(catch_run, tmp_path):
    agent = little("Catch")
    theta = agent.policy.parameters.flat.copy()
    with pytest.raises(ValueError, match="already holds a run"):
        agent.learn(100, out=catch_run)
    for steps in (0, -1, 1.5, float("nan")):
        with pytest.raises(ValueError, match="total_steps must be"):
            agent.learn(steps, out=tmp_path / "run")
    assert not (tmp_path / "run").exists() and np.array_equal(theta, agent.policy.parameters.flat)


def test_a_callback_sees_progress_and_ends_the_run(monkeypatch):
    reports_often(monkeypatch)
    seen = []
    little(chances).learn(10**8, callback=lambda progress: seen.append(progress) or progress.global_step < 500)
    steps = [progress.global_step for progress in seen]
    assert steps == sorted(steps) and steps[-1] >= 500
    assert seen[-1].episodes > 0 and 0 < seen[-1].learning_rate <= 1 and seen[-1].updates > 0


def test_progress_is_shown_on_request(capsys):
    little(chances).learn(100, progress=True)
    assert "/100 steps" in capsys.readouterr().err
    little(chances).learn(100)
    assert capsys.readouterr().err == ""


def test_one_worker_and_one_seed_give_one_result():
    one, same = (little(chances, seed=4).learn(200).policy.parameters.flat for _ in range(2))
    assert np.array_equal(one, same)


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
    with pytest.raises(OSError):
        little().save(tmp_path / "nowhere" / "agent.npz")


# ---- what a fresh pair of eyes found

def test_views_handed_out_before_learning_stay_the_agents():
    agent = Agent("Catch", workers=1)
    views = agent.parameters()
    before = {name: view.copy() for name, view in views.items()}
    agent.learn(200)
    assert all(np.shares_memory(views[name], view) for name, view in agent.parameters().items())
    assert any((views[name] != before[name]).any() for name in views)


@pytest.mark.parametrize("part, value", [("algorithm", "a3c"), ("algorithm", A3C), ("algorithm", RMSProp()),
                                         ("optimizer", A3C()), ("network", type("Mine", (MLP,), {})())])
def test_a_part_of_another_kind_is_refused(part, value):
    with pytest.raises(ValueError, match=f"^{part} must be [^\n]*$"):
        Agent("Catch", **{part: value})


def test_a_factory_that_no_worker_can_have_is_refused_at_once():
    with pytest.raises(ValueError, match="cannot be pickled"):
        Agent(lambda: None, preset="classic")


def test_images_scaled_to_1_are_refused_rather_than_made_black():
    agent = Agent(image)
    with pytest.raises(ValueError, match="must be uint8; got float64"):
        agent.predict(np.ones(agent.observation_space.shape) * 0.5)


def test_sticky_actions_are_for_atari():
    with pytest.raises(ValueError, match="protocol sticky is for Atari games"):
        Agent("Catch").evaluate(1, protocol="sticky")
