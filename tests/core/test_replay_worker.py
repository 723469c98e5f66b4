"""DQN's worker against a straight-line run in float64, number for number; its warm-up, and what it refuses."""

import dataclasses
import functools

import numpy as np
import pytest

from a3c_numba.agent import Agent
from a3c_numba.config import Config
from a3c_numba.core.algorithms import A3C, DQN, OneStepQ
from a3c_numba.core.networks import MLP, Convolutional, initial_parameters
from a3c_numba.core.optimizers import RMSProp
from a3c_numba.core.parameters import Parameters
from a3c_numba.core.replay_worker import ReplayWorker, make_worker
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.envs.toys import Aim, Catch, Corridor
from tests.programs import program
from tests.reference import rmsprop
from tests.reference_lstm import complex_gradient
from tests.reference_value import QNetwork, choose

NETWORK = MLP(hidden=6, head_init="orthogonal")
OPTIMIZER = RMSProp(learning_rate=1e-2, epsilon=1e-3, max_gradient_norm=2.0)
SMALL = DQN(train_interval=3, batch_size=5, memory_size=1000, warm_up=9, target_interval=7, exploration_steps=60,
            final_epsilons="0.3:1", discount=0.9, clip_rewards=False)
ENVS = {"Catch": functools.partial(Catch, rows=5, columns=3),
        "Corridor": functools.partial(Corridor, length=2, truncates=True),
        "Aim": functools.partial(Aim, length=7, truncates=True)}


def config_of(env, algorithm=SMALL, network=NETWORK, total_steps=400):
    return Config(ENVS.get(env, env), algorithm, OPTIMIZER, network, workers=1, total_steps=total_steps)


def begun(config, seed=11):
    network = config.build_network(config.make_env())
    theta = initial_parameters(network, np.random.SeedSequence(5))
    shared = Shared(len(theta), 1, has_target=True)
    shared.theta[:] = shared.target[:] = theta
    return make_worker(0, config, shared, np.random.SeedSequence(seed)), shared


def straight_line(config, theta, updates):
    """theta, g and theta- after as many rollouts, of a list in place of the memory and of a complex step in place of
    backpropagation; and the norm and the errors of each update."""
    method, optimizer, env = config.algorithm, config.optimizer, config.make_env()
    network, rng = QNetwork(theta), np.random.default_rng(np.random.SeedSequence(11))
    flat = np.concatenate([array.ravel() for array in theta.values()]).astype(np.float64)
    g, target, log, entries, total, current = np.zeros(len(flat)), flat.copy(), [], [], 0, None
    state = network.forgetful()

    def q(theta, obs):
        return network.q(theta, np.array(obs), state)[0]

    for _ in range(updates):
        epsilon = 1 - 0.7 * min(1, total / method.exploration_steps)
        progress, steps = total / config.total_steps, 0
        if current is None:
            current = env.reset(seed=int(rng.integers(2**31)))[0].copy()
        while steps < method.train_interval and current is not None:
            action = choose(q(flat, [current])[0], epsilon, rng.random())
            after, reward, terminated, truncated, _ = env.step(action)
            entries.append((current, action, method.reward_scale * reward, 0.0 if terminated else method.discount))
            current, steps = after.copy(), steps + 1
            if terminated or truncated:
                entries.append((current, None, None, None))              # acted on by nobody
                current = None
        total += steps
        if total >= method.warm_up:
            last = len(entries) - 1
            drawn = rng.integers(0, last, method.batch_size)
            while bad := [k for k, entry in enumerate(drawn) if entries[entry][1] is None]:
                drawn[bad] = rng.integers(0, last, len(bad))
            obs, actions, rewards, discounts = zip(*(entries[entry] for entry in drawn))
            best = q(target, [entries[entry + 1][0] for entry in drawn]).max(axis=1)
            R = np.array(rewards) + np.array(discounts) * best

            def loss(stepped):
                e = R - q(stepped, obs)[range(len(R)), actions]
                size = np.where(e.real < 0, -e, e)
                return (np.where(size.real <= 1, e * e / 2, size - 0.5) if method.clip_errors else e * e / 2).sum()

            errors = R - q(flat, obs)[range(len(R)), actions]
            flat, g, norm = rmsprop(flat, g, complex_gradient(loss, flat), optimizer.learning_rate * (1 - progress),
                                    optimizer.decay, optimizer.epsilon, optimizer.max_gradient_norm)
            log.append((norm, errors))
        if (total - steps) // method.target_interval != total // method.target_interval:
            target = flat.copy()
    return flat, g, target, log


LARGE_ERRORS = dataclasses.replace(SMALL, reward_scale=3.0)
RUNS = {"Catch": ("Catch", SMALL), "Corridor": ("Corridor", LARGE_ERRORS), "Aim": ("Aim", SMALL),
        "squared": ("Corridor", dataclasses.replace(LARGE_ERRORS, clip_errors=False))}
UPDATES = 40


@pytest.mark.parametrize("name", RUNS)
def test_a_worker_equals_a_straight_line_run(name):
    config = config_of(*RUNS[name])
    worker, shared = begun(config)
    before = Parameters(worker.network.shapes, shared.theta.copy())
    theta, g, target, log = straight_line(config, before.named(), UPDATES)
    norms = [worker.update().gradient_norm for _ in range(UPDATES)]
    norms = norms[-len(log):]
    np.testing.assert_allclose(norms, [norm for norm, _ in log], rtol=1e-3, atol=1e-5)
    moved = np.abs(theta - before.flat).max()
    for found, wanted in ((shared.theta, theta), (shared.target, target)):
        np.testing.assert_allclose(found, wanted, rtol=0, atol=1e-4 * moved + UPDATES * 6e-8)
    np.testing.assert_allclose(shared.statistics, g, rtol=0, atol=1e-4 * g.max())


def test_the_straight_line_runs_cover_what_they_are_for():
    def log_of(name):
        config = config_of(*RUNS[name])
        worker, shared = begun(config)
        return straight_line(config, Parameters(worker.network.shapes, shared.theta.copy()).named(), UPDATES)[3]

    corridor = log_of("Corridor")
    errors = np.abs(np.concatenate([each for _, each in corridor]))
    assert (errors > 1).any() and (errors < 1).any()                     # clipped, and not
    norms = [norm for norm, _ in corridor]
    assert min(norms) < OPTIMIZER.max_gradient_norm < max(norms)
    assert len(corridor) < UPDATES                                       # the first rollouts are the warm-up


def test_nothing_is_learned_during_the_warm_up():
    worker, shared = begun(config_of("Catch", dataclasses.replace(SMALL, warm_up=30)))
    theta = shared.theta.copy()
    while worker.memory.steps < 30:
        assert np.array_equal(shared.theta, theta)
        worker.update()
    assert not np.array_equal(shared.theta, theta)


def test_an_update_without_a_step_to_draw_learns_nothing():
    """The only step so far has no successor yet."""
    worker, _ = begun(config_of("Catch", dataclasses.replace(SMALL, warm_up=1, train_interval=1)))
    drawn = []
    worker.memory.draw = lambda n, rng, draw=worker.memory.draw: drawn.append(draw(n, rng)) or drawn[-1]
    assert worker.update().gradient_norm == 0 and drawn == [None]
    worker.update()
    assert len(drawn[1].obs) == SMALL.batch_size


def test_a_reward_that_is_not_finite_is_never_learned_from():
    config = config_of("Catch", dataclasses.replace(SMALL, warm_up=1))
    worker, shared = begun(config)
    worker.update()
    step, worker.collector.env.env.step = worker.collector.env.env.step, None

    def broken(action):
        obs, _, *rest = step(action)
        return obs, float("nan"), *rest
    worker.collector.env.env.step = broken
    theta = shared.theta.copy()
    assert np.isnan(worker.update().gradient_norm)                       # counted as skipped,
    assert np.array_equal(shared.theta, theta)                           # and it is
    worker.collector.env.env.step = step
    for _ in range(20):
        assert np.isfinite(worker.update().gradient_norm)
    assert np.isfinite(shared.theta).all()


def test_frames_are_stored_once_and_batches_are_what_was_seen():
    """Pong: each drawn stack is one that the worker acted on, and the next one follows it."""
    config = config_of("ALE/Pong-v5", dataclasses.replace(SMALL, warm_up=10**6), Convolutional())
    worker, _ = begun(config)
    seen, followers = {}, {}
    for _ in range(30):
        rollout = worker.collect()
        worker.memory.add(rollout, worker.episode is not None)
        for t in range(rollout.length):
            seen[rollout.obs[t].tobytes()] = followers[rollout.obs[t].tobytes()] = rollout.obs[t + 1].tobytes()
    assert worker.memory.frames.shape[1] == 84 * 84
    batch = worker.memory.draw(64, np.random.default_rng(0))
    assert all(seen[obs.tobytes()] == after.tobytes() for obs, after in zip(batch.obs, batch.next_obs))


def test_other_methods_have_the_paper_s_worker():
    config = dataclasses.replace(config_of("Catch"), algorithm=DQN())
    assert type(begun(config)[0]) is ReplayWorker
    assert type(begun(dataclasses.replace(config, algorithm=OneStepQ()))[0]) is Worker


def test_a_memory_that_does_not_fit_is_refused(monkeypatch, tmp_path):
    """Where a run begins; an agent that was trained elsewhere plays."""
    agent = Agent("Catch", DQN(memory_size=100_000), workers=1)
    agent.save(tmp_path / "agent.npz")
    monkeypatch.setattr("a3c_numba.training.replay_check.available_memory", lambda: 10**7)
    with pytest.raises(ValueError) as error:
        Agent("Catch", DQN(memory_size=100_000), workers=1)
    assert str(error.value) == ("a replay memory of 100,000 frames takes 22 MB, and this machine or container has "
                                "10 MB: give a smaller memory_size")
    assert len(Agent.load(tmp_path / "agent.npz").evaluate(2)) == 2
    with pytest.raises(ValueError, match="a replay memory of 100,000 frames"):
        agent.learn(100)
    assert Agent("Catch", DQN(memory_size=10_000), workers=1)


def test_a_run_that_ends_in_its_warm_up_says_so(tmp_path, capsys):
    assert program("train", "Catch", "--algorithm", "dqn", "--total-steps", 300, "--out", tmp_path / "run") == 0
    assert "the run makes 300 steps, and learns after 1,000 (warm_up): it learns nothing" in capsys.readouterr().err


def test_trace_refuses_it(capsys):
    assert program("trace", "ALE/Pong-v5", "--preset", "dqn") == 2
    assert "trace shows the update of a rollout: DQN's is of a batch" in capsys.readouterr().err


def test_only_a_dqn_has_a_replay_memory():
    class Mine(A3C):
        uses_replay = True

    with pytest.raises(ValueError, match="^Mine has uses_replay, which is for DQN and classes that inherit it$"):
        config_of("Catch", Mine())


@pytest.mark.parametrize("change, message", [
    ({"workers": 2}, "DQN is one process: workers must be 1; got 2"),
    ({"network": MLP(recurrent=True)}, "DQN learns from single steps: recurrent=True is for the other methods")])
def test_what_it_cannot_do_is_refused(change, message):
    with pytest.raises(ValueError) as error:
        dataclasses.replace(config_of("Catch"), **change)
    assert str(error.value) == message
