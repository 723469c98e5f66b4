"""The value methods' worker against a straight-line NumPy run, number for number; identities between the methods; and
when theta- is renewed."""

import dataclasses
import functools

import numpy as np
import pytest

from a3c_numba.config import Config
from a3c_numba.core.algorithms import NStepQ, OneStepQ, OneStepSarsa
from a3c_numba.core.networks import MLP, initial_parameters
from a3c_numba.core.optimizers import RMSProp
from a3c_numba.core.parameters import Parameters
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.envs.toys import Aim, Catch, Corridor, Memory

from tests import reference_value

CATCH = functools.partial(Catch, rows=5, columns=3)
CORRIDOR = functools.partial(Corridor, length=2, truncates=True)
TARGETS = {NStepQ: reference_value.max_of_last, OneStepQ: reference_value.max_of_next,
           OneStepSarsa: reference_value.taken_next}
LIVELY = RMSProp(learning_rate=1e-2, epsilon=1e-3)


def config_of(env, algorithm, network=MLP(hidden=6, head_init="orthogonal"), optimizer=LIVELY, total_steps=400):
    return Config(env, algorithm, optimizer, network, workers=1, total_steps=total_steps)


def begun(config, seed=11):
    """A worker in this process, its shared memory with theta and theta- drawn, and theta's values by name."""
    network = config.build_network(config.make_env())
    theta = initial_parameters(network, np.random.SeedSequence(5))
    shared = Shared(len(theta), 1, has_target=True)
    shared.theta[:] = shared.target[:] = theta
    return Worker(0, config, shared, np.random.SeedSequence(seed)), shared, Parameters(network.shapes, theta).named()


def method_of(cls, steps, **fields):
    """The method with rollouts of at most ``steps`` steps, and values that let everything happen in a short run."""
    longest = {"t_max": steps} if cls is NStepQ else {"update_interval": steps}
    rest = {"target_interval": 7, "exploration_steps": 60, "final_epsilons": "0.3:1", "discount": 0.9,
            "clip_rewards": False}
    return cls(**(rest | longest | fields))


def straight_line(config, theta, updates):
    algorithm = config.algorithm
    return reference_value.run_value(config.make_env(), theta, algorithm, algorithm.rollout_length,
                                     TARGETS[type(algorithm)], config.optimizer, np.random.SeedSequence(11),
                                     config.total_steps, float(algorithm.final_epsilons.split(":")[0]), updates)


RECURRENT = MLP(hidden=4, layers=1, recurrent=True, cells=3, head_init="orthogonal")
RUNS = {
    # terminations, several rollouts an episode, the learning rate reaches 0 in the middle
    "Catch": (CATCH, 3, {}, MLP(hidden=6, head_init="orthogonal"), LIVELY, 60),
    # terminations and truncations, rewards scaled, gradients clipped
    "Corridor": (CORRIDOR, 5, {"reward_scale": 2.0}, MLP(hidden=6, layers=1, head_init="orthogonal"),
                 RMSProp(learning_rate=5e-3, epsilon=1e-3, max_gradient_norm=0.5), 400),
    # episodes longer than a rollout, whose first step the value network remembers
    "Memory": (functools.partial(Memory, length=5), 3, {}, RECURRENT, LIVELY, 400),
    # the same with time limits
    "Aim": (functools.partial(Aim, length=7, truncates=True), 3, {}, RECURRENT, LIVELY, 400),
}
UPDATES = 40


@functools.cache
def straight_line_of(name, cls):
    """The configuration of a run, theta before it, and what ``straight_line`` says of it; nobody writes to them."""
    env, steps, fields, network, optimizer, total = RUNS[name]
    config = config_of(env, method_of(cls, steps, **fields), network, optimizer, total)
    before = {key: value.copy() for key, value in begun(config)[2].items()}
    return config, before, straight_line(config, before, UPDATES)


@pytest.mark.parametrize("cls", TARGETS)
@pytest.mark.parametrize("name", RUNS)
def test_a_worker_equals_a_straight_line_run(name, cls):
    """The same actions, and the same numbers to float32's rounding: tests/core/test_worker.py says what that amounts
    to."""
    config, before, (expected, g, target, log) = straight_line_of(name, cls)
    worker, shared, _ = begun(config)
    scores, episode, finished = [], [], []
    for update in log:
        copied = shared.target.copy()
        made = worker.update()
        finished += [made.episode.score] if made.episode else []
        scores += [update.score] if update.ending else []
        episode = [] if update.ending else episode + update.actions
        assert worker.collector.episode_actions.rows().tolist() == episode
        assert worker.distribution.epsilon == pytest.approx(update.epsilon, rel=1e-12)
        np.testing.assert_allclose(made.value, update.value, rtol=1e-4, atol=1e-5)
        np.testing.assert_allclose(made.gradient_norm, update.norm, rtol=1e-3, atol=1e-6)
        assert np.array_equal(shared.target, shared.theta if update.copied else copied)
    assert shared.global_step() == sum(update.steps for update in log)
    vectors = {"theta": (shared.theta, expected), "target": (shared.target, target)}
    for kind, (flat, wanted) in vectors.items():
        final = Parameters(worker.network.shapes, np.array(flat)).named()
        for key in wanted:
            moved = np.abs(wanted[key] - before[key]).max()
            rounding = UPDATES * 6e-8 * max(1, np.abs(before[key]).max())
            assert moved > 10 * rounding, key
            np.testing.assert_allclose(final[key], wanted[key], rtol=0, atol=1e-4 * moved + rounding,
                                       err_msg=f"{kind} {key}")
    np.testing.assert_allclose(shared.statistics, g, rtol=0, atol=1e-4 * g.max())
    np.testing.assert_array_equal(finished, scores)


@pytest.mark.parametrize("cls", TARGETS)
def test_the_straight_line_runs_cover_what_they_are_for(cls):
    logs = {name: straight_line_of(name, cls)[2][3] for name in ("Catch", "Corridor", "Aim")}
    catch, corridor, aim = logs.values()
    assert {update.ending for update in catch} == {"", "terminated"} and {update.steps for update in catch} == {1, 3}
    assert {update.ending for update in corridor} >= {"terminated", "truncated"}
    assert any(update.norm > 0.5 for update in corridor) and any(update.norm < 0.5 for update in corridor)
    assert {update.ending for update in aim} == {"", "truncated"}
    for log in logs.values():
        assert 3 < sum(update.copied for update in log) < UPDATES - 3
    assert sum(update.steps for update in catch) > 60 and catch[-1].epsilon == pytest.approx(0.3)


def run_of(config, updates=50, greedy=False):
    """theta after each update; with ``greedy`` epsilon is 0 from the first step on."""
    worker, shared, _ = begun(config)
    if greedy:
        worker.distribution.epsilon, worker.distribution.anneal = 0.0, lambda step: None
    thetas = []
    for _ in range(updates):
        worker.update()
        thetas.append(shared.theta.copy())
    return np.array(thetas)


ENVS = {"Catch": CATCH, "Corridor": CORRIDOR, "Aim": functools.partial(Aim, truncates=True)}


@pytest.mark.parametrize("env", ENVS)
def test_n_steps_with_n_1_is_the_one_step_method(env):
    runs = [run_of(config_of(ENVS[env], method_of(cls, 1, discount=0.99), total_steps=10**6))
            for cls in (NStepQ, OneStepQ)]
    assert np.array_equal(*runs) and (runs[0][0] != runs[0][-1]).any()


@pytest.mark.parametrize("env", ENVS)
def test_more_than_one_step_is_another_method(env):
    one, other = (run_of(config_of(ENVS[env], method_of(cls, 3), total_steps=10**6)) for cls in (NStepQ, OneStepQ))
    assert (one[-1] != other[-1]).any()


@pytest.mark.parametrize("env", [CATCH, "Corridor", "Aim"])
def test_greedy_sarsa_is_q_learning_if_theta_is_its_own_target(env):
    """Its next action is then argmax_a Q(s', a; theta-), whose value is the maximum.

    A rollout is a whole episode here: with an update in between, Q-learning may change its mind about the action that
    Sarsa has bound itself to.
    """
    runs = []
    for cls in (OneStepSarsa, OneStepQ):
        method = method_of(cls, 10, target_interval=1)
        runs.append(run_of(config_of(env, method, total_steps=10**6), greedy=True))
    assert np.array_equal(*runs) and (runs[0][0] != runs[0][-1]).any()


def test_sarsa_keeps_its_drawn_action_if_the_best_one_changes():
    config = config_of(CATCH, method_of(OneStepSarsa, 1), total_steps=10**6)
    worker, shared, _ = begun(config)
    worker.distribution.epsilon, worker.distribution.anneal = 0.0, lambda step: None
    worker.update()
    bound = int(worker.collector.next_action)
    shared.theta[:] = 0
    worker.local.named()["q.head.bias"][(bound + 1) % 3] = 1  # theta's own: now another action is best
    worker.update()
    worker.update()
    assert worker.collector.episode_actions.rows()[1:].tolist() == [bound, (bound + 1) % 3]


@pytest.mark.parametrize("env", ENVS)
def test_sarsa_that_explores_is_not_q_learning(env):
    one, other = (run_of(config_of(ENVS[env], method_of(cls, 1, target_interval=1), total_steps=10**6))
                  for cls in (OneStepSarsa, OneStepQ))
    assert (one[-1] != other[-1]).any()


@pytest.mark.parametrize("steps", [1, 3])
def test_sarsas_next_action_is_the_one_that_is_then_taken(steps):
    config = config_of(CATCH, method_of(OneStepSarsa, steps, final_epsilons="1:1"), total_steps=10**6)
    worker, shared, _ = begun(config)
    kept, across = None, 0
    for _ in range(60):
        rollout, _, episode = worker.collector.collect(worker.local.tree)
        actions, ahead = rollout.actions.copy(), rollout.next_actions.copy()
        assert kept is None or actions[0] == kept
        across += kept is not None
        np.testing.assert_array_equal(ahead[:-1], actions[1:])
        kept = None if episode else ahead[-1]
    assert across > 15


def test_sarsas_next_action_is_drawn_once():
    """60 steps of 4-step games draw 60 actions and 15 seeds; none is drawn behind a termination."""
    config = config_of(CATCH, method_of(OneStepSarsa, 1, final_epsilons="1:1"), total_steps=10**6)
    worker, shared, _ = begun(config)
    for _ in range(60):
        worker.update()
    rng = np.random.default_rng(np.random.SeedSequence(11))
    for _ in range(15):
        rng.integers(2**31)
        rng.random(4)
    assert worker.collector.rng.bit_generator.state == rng.bit_generator.state


@pytest.mark.parametrize("interval", [1, 2, 5, 9, 1000])
def test_the_target_is_renewed_only_if_a_multiple_is_crossed(interval):
    worker, shared, _ = begun(config_of(CATCH, method_of(NStepQ, 3, target_interval=interval), total_steps=10**6))
    renewed = 0
    for _ in range(30):                                                  # of 3 and 1 steps in turn
        before, kept = shared.global_step(), shared.target.copy()
        worker.update()
        crossed = any(step % interval == 0 for step in range(before + 1, shared.global_step() + 1))
        assert np.array_equal(shared.target, shared.theta if crossed else kept)
        renewed += crossed
    assert renewed == {1: 30, 2: 30, 5: 12, 9: 6, 1000: 0}[interval]


def test_another_workers_steps_are_not_ones_own():
    """Of two workers that cross a multiple one after the other, the first one renews theta-."""
    config = config_of(CATCH, method_of(NStepQ, 4, target_interval=10), total_steps=10**6)
    worker, shared, _ = begun(config)
    worker.update()
    kept = shared.target.copy()
    shared.advance(8)                                                    # from 4 to 12, by somebody else
    worker.update()
    np.testing.assert_array_equal(shared.target, kept)


def test_targets_are_read_off_theta_minus_alone():
    """Two workers with different theta- make different updates, until it counts for nothing."""
    for discount, equal in ((0.9, False), (0.0, True)):
        config = config_of(CATCH, method_of(OneStepQ, 3, target_interval=10**6, discount=discount), total_steps=10**6)
        thetas = []
        for scale in (1, -3):
            worker, shared, _ = begun(config)
            shared.target *= scale
            worker.update()
            thetas.append(shared.theta.copy())
        assert np.array_equal(*thetas) == equal


def test_one_step_methods_read_theta_and_n_step_ones_their_copy():
    for cls, itself in ((NStepQ, False), (OneStepQ, True), (OneStepSarsa, True)):
        worker, shared, _ = begun(config_of(CATCH, method_of(cls, 3)))
        assert np.shares_memory(worker.local.flat, shared.theta) == itself


def test_epsilon_goes_on_from_the_steps_explored_before():
    method = method_of(NStepQ, 3, final_epsilons="0.1:1", exploration_steps=1000)
    for explored, epsilon in ((0, 1.0), (500, 0.55), (5000, 0.1)):
        worker, shared, _ = begun(dataclasses.replace(config_of(CATCH, method), explored=explored))
        worker.update()
        assert worker.distribution.epsilon == pytest.approx(epsilon)
        shared.resume_at(100)                                            # as resuming does
        worker.update()
        assert worker.distribution.epsilon == pytest.approx(max(epsilon - 0.09, 0.1))


def test_each_worker_draws_its_final_epsilon_once_and_for_all():
    method = method_of(NStepQ, 3, final_epsilons="0.1:0.4,0.01:0.3,0.5:0.3")
    config = dataclasses.replace(config_of(CATCH, method), workers=200)
    space = config.make_env().action_space
    drawn = [[method.behaviour_policy(space, config.worker_rng(k)).final_epsilon for k in range(200)] for _ in range(2)]
    assert drawn[0] == drawn[1]
    shares = np.array([drawn[0].count(epsilon) for epsilon in (0.1, 0.01, 0.5)]) / 200
    np.testing.assert_allclose(shares, [0.4, 0.3, 0.3], rtol=0, atol=4 * 0.5 / np.sqrt(200))     # four standard errors
    assert shares.sum() == pytest.approx(1)
