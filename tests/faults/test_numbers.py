"""NaN and infinity in observations, rewards and gradients: the update is skipped and counted, nothing is changed by it.

An episode has 8 steps, a rollout at most 3: rollouts are the steps 1-3, 4-6, 7-8, 9-11, ...
"""

import functools
import signal
import warnings

import numpy as np
import pytest
from gymnasium.spaces import Box

from a3c_numba import Agent, Limits
from a3c_numba.config import Config
from a3c_numba.core.algorithms import ALGORITHMS
from a3c_numba.core.distributions import Categorical, EpsilonGreedy
from a3c_numba.core.networks import MLP, initial_parameters
from a3c_numba.core.optimizers import OPTIMIZERS
from a3c_numba.core.shared import Shared
from a3c_numba.core.worker import Worker
from a3c_numba.envs.episode import EpisodeEnv
from a3c_numba.runs.checkpoint import load
from a3c_numba.runs.run_folder import RunFolder
from a3c_numba.training.collector_state import collector_state, restore
from a3c_numba.training.trainer import Trainer, UpdatesSkipped, initial_checkpoint

from tests.faults.environments import Odd, bad_numbers
from tests.faults.gates import NoNumbers
from tests.programs import program, reports_often, small
from tests.runs.test_run_folder import rows

pytestmark = pytest.mark.faults

NETWORKS = {"mlp": MLP(hidden=6, head_init="orthogonal"),
            "recurrent": MLP(hidden=6, layers=1, recurrent=True, cells=4, head_init="orthogonal")}
BAD = [np.nan, np.inf, -np.inf]


def vector(bad, place=1):
    """An observation with one bad number."""
    x = np.array([0.5, -0.25, 1.0], np.float32)
    x[place] = bad
    return x


# where the bad number is, and the rollouts that it is in
PLACES = {
    "first observation": (lambda bad: Odd({0.5: vector(bad)}), {1}),
    "in the middle": (lambda bad: Odd({5: vector(bad)}), {2}),
    "bootstrap state": (lambda bad: Odd({6: vector(bad)}), {2, 3}),
    "terminal state": (lambda bad: Odd({8: vector(bad)}), {3}),
    "reset": (lambda bad: Odd({8.5: vector(bad)}), {4}),
    "all numbers": (lambda bad: Odd({5: np.full(3, bad, np.float32)}), {2}),
    "reward in the middle": (lambda bad: Odd(rewards={5: bad}), {2}),
    "last reward of a rollout": (lambda bad: Odd(rewards={6: bad}), {2}),
    "last reward of an episode": (lambda bad: Odd(rewards={8: bad}), {3}),
}


def method(name, **fields):
    """The method with rollouts of at most 3 steps, and a target that stays where it is."""
    cls = ALGORITHMS[name]
    longest = "update_interval" if hasattr(cls, "update_interval") else "t_max"
    rest = {"target_interval": 10**9, "final_epsilons": "0.3:1"} if cls.uses_target_network else {}
    return cls(**({longest: 3} | rest | fields))


def worker_of(env, name="a3c", optimizer="rmsprop", network="mlp", **fields):
    """A worker in this process that plays ``env``."""
    config = Config(lambda_of(env), method(name, **fields), OPTIMIZERS[optimizer](), NETWORKS[network], workers=1,
                    total_steps=10**6)
    built = config.build_network(env)
    theta = initial_parameters(built, np.random.SeedSequence(5))
    shared = Shared(len(theta), 1, config.optimizer.own_statistics, config.algorithm.uses_target_network)
    shared.theta[:] = theta
    shared.target[:] = theta[:shared.target.size]
    worker = Worker(0, config, shared, np.random.SeedSequence(11))
    worker.collector.env = EpisodeEnv(env)                               # the very one, to look at afterwards
    return worker


def lambda_of(env):
    """A factory, which can be pickled, of something that has the same spaces."""
    return functools.partial(Odd, actions=env.action_space, space=env.observation_space)


def vectors(worker):
    """All that an update may change, as bytes."""
    shared = worker.shared
    return [x.tobytes() for x in (shared.theta, shared.statistics, shared.target, worker.local.flat)]


def is_skipped(update):
    """Whether a run would count it as skipped."""
    return not np.isfinite(update.gradient_norm)


def skipped_in(worker, updates):
    """The numbers, from 1, of the updates that were counted as skipped; each of these changes no bit, all others do."""
    skipped = set()
    for number in range(1, updates + 1):
        before = vectors(worker)
        if is_skipped(worker.update()):
            skipped.add(number)
        assert (vectors(worker) == before) == (number in skipped), number
        assert not worker.d_theta.copy().any() and np.isfinite(worker.shared.theta).all()
    return skipped


@pytest.mark.parametrize("optimizer", OPTIMIZERS)
@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_bad_number_skips_only_the_updates_of_its_rollouts(name, network, optimizer):
    for place, (odd, expected) in PLACES.items():
        for bad in BAD:
            worker = worker_of(odd(bad), name, optimizer, network)
            assert skipped_in(worker, 7) == expected, (place, bad)
            assert np.isfinite(worker.collector.recurrent.read(worker.collector.state_row)).all()


@pytest.mark.parametrize("clip_rewards", [True, False])
@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_infinite_reward_is_not_clipped_away(name, clip_rewards):
    for bad in BAD:
        assert skipped_in(worker_of(Odd(rewards={2: bad}), name, clip_rewards=clip_rewards), 3) == {1}
    assert not skipped_in(worker_of(Odd(rewards={2: 1e9}), name), 3)


@pytest.mark.parametrize("name", ALGORITHMS)
def test_a_bad_number_leaves_what_a_skipped_update_leaves(name):
    """The run goes on from the same theta as one whose learning rate was 0, and 0 observed, for those rollouts."""
    thetas = []
    for odd in (vector(np.nan), vector(0.0)):
        worker = worker_of(Odd({5: odd}), name, network="recurrent")
        worker.update()
        kept = worker.shared.theta.copy(), worker.shared.statistics.copy()
        worker.update()
        worker.shared.theta[:], worker.shared.statistics[:] = kept
        worker.local.flat[:] = kept[0]
        for _ in range(5):
            worker.update()
        thetas.append(worker.shared.theta.copy())
    np.testing.assert_array_equal(*thetas)


@pytest.mark.parametrize("network", NETWORKS)
@pytest.mark.parametrize("name", ALGORITHMS)
def test_an_overflow_in_the_network_ends_with_the_episode(name, network):
    """They are finite themselves; what becomes of them is not, nor is what a recurrent network remembers of them."""
    env = Odd({4: np.array([3e38, -3e38, 3e38], np.float32)})
    worker = worker_of(env, name, network=network)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)                  # NumPy's, of the overflow
        skipped = skipped_in(worker, 7)
    assert skipped <= {2, 3} and set(env.taken) <= {0, 1}


@pytest.mark.parametrize("target_interval", [1, 4])
def test_a_target_network_is_renewed_with_theta_alone(target_interval):
    worker = worker_of(bad_numbers(), "n_step_q", target_interval=target_interval)
    skipped = 0
    for _ in range(60):
        skipped += is_skipped(worker.update())
        assert np.isfinite(worker.shared.target).all()
    assert skipped > 0


@pytest.mark.parametrize("bad", BAD)
def test_policies_acting_on_bad_numbers_give_valid_actions(bad):
    rng = np.random.default_rng(0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for row in (np.full(3, bad, np.float32), np.array([0.0, bad, 1.0], np.float32), np.array([bad, -bad, 0.0])):
            for policy in (Categorical(3), EpsilonGreedy(3, 0.2, 0.2, 1)):
                assert {policy.executed(policy.sample(row, rng)) for _ in range(50)} <= {0, 1, 2}
                assert policy.best(row[None])[0] in (0, 1, 2)


BOX = Box(np.array([-1, 0.5], np.float32), np.array([1, 2], np.float32))


@pytest.mark.parametrize("network", NETWORKS)
def test_a_continuous_action_is_never_nan(network):
    for bad in BAD:
        env = Odd({5: vector(bad), 9: np.full(3, bad, np.float32)}, actions=BOX)
        assert skipped_in(worker_of(env, network=network), 7) == {2, 4}
        assert len(env.taken) == 19 and all(BOX.contains(action) for action in env.taken)


@pytest.mark.parametrize("bad", BAD)
def test_a_network_of_nan_acts_with_0_in_the_box_and_skips(bad):
    env = Odd(actions=BOX)
    worker = worker_of(env)
    worker.local.flat[:] = bad
    before = worker.shared.theta.tobytes(), worker.shared.statistics.tobytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)                  # NumPy's, of numbers that are none
        assert is_skipped(worker.update())
    np.testing.assert_array_equal(env.taken, np.float32([[0, 0.5]] * 3))
    assert (worker.shared.theta.tobytes(), worker.shared.statistics.tobytes()) == before
    np.testing.assert_array_equal(worker.local.flat, worker.shared.theta)        # and is well again


@pytest.mark.parametrize("name", ALGORITHMS)
def test_what_is_seen_of_a_skipped_update_but_its_norm_is_finite(name):
    worker = worker_of(Odd({2: vector(np.nan)}), name)
    update = worker.update()
    assert np.isfinite([update.entropy, update.value]).all() and is_skipped(update)


def test_resuming_at_a_bad_observation_is_exact():
    """Rollout 2 ends at it; the state taken there leads to the same rollout 3 and to the same ones after it."""
    worker = worker_of(Odd({6: vector(np.nan)}), network="recurrent")
    for _ in range(2):
        worker.update()
    state = collector_state(worker.collector)
    theta, statistics = worker.shared.theta.copy(), worker.shared.statistics.copy()
    other = worker_of(Odd({6: vector(np.nan)}), network="recurrent")
    other.shared.theta[:], other.shared.statistics[:], other.shared.clock[:] = theta, statistics, worker.shared.clock
    other.copy_theta()
    restore(other.collector, state)
    skipped = 0
    for _ in range(5):
        worker.update()
        skipped += is_skipped(other.update())
    assert skipped == 1
    np.testing.assert_array_equal(worker.shared.theta, other.shared.theta)


def test_a_run_counts_what_it_skips_and_its_numbers_stay_finite(tmp_path):
    """Two real workers; a third of all rollouts have a bad number, and a sixth of all episodes a score that is NaN."""
    config = small(bad_numbers, workers=2, total_steps=6000)
    RunFolder(tmp_path / "run").create(config.to_json())
    last = Trainer(initial_checkpoint(config), tmp_path / "run").run()
    row = rows(tmp_path / "run" / "progress.csv")[-1]
    assert 0.2 < int(row["skipped"]) / int(row["updates"]) < 0.5
    assert np.isfinite(last.theta).all() and np.isfinite(last.statistics).all()
    assert np.isfinite(float(row["mean_score"])) and np.isfinite(float(row["entropy"]))
    scores = [float(row["score"]) for row in rows(tmp_path / "run" / "episodes.csv")]
    assert 0.1 < np.isnan(scores).mean() < 0.25 and np.isfinite(last.mean_score)


def files(folder):
    return {path.name for path in folder.glob("*.npz")}


def test_skipped_updates_of_a_short_run_are_within_the_limit(tmp_path):
    """One worker, whose rewards are all NaN: it skips every update."""
    def run(name, most):
        RunFolder(tmp_path / name).create(config.to_json())
        return Trainer(initial_checkpoint(config), tmp_path / name, limits=Limits(max_skipped=most)).run()
    config = small(NoNumbers, total_steps=300)
    run("all may be", 300)
    skipped = int(rows(tmp_path / "all may be" / "progress.csv")[-1]["skipped"])
    run("as many as may be", skipped)
    assert files(tmp_path / "as many as may be") == {"latest.npz", "final.npz"}
    with pytest.raises(UpdatesSkipped, match=f"skipped {skipped} updates .*limit {skipped - 1}\\).*max_skipped="):
        run("one more", skipped - 1)
    assert files(tmp_path / "one more") == {"latest.npz"}
    assert load(tmp_path / "one more" / "latest.npz", NoNumbers).global_step >= 300


def test_too_many_skipped_updates_exit_with_3_in_a_short_run(tmp_path, capsys):
    assert program("train", "tests.faults.gates:NoNumbers-v0", "--workers", 1, "--total-steps", 300, "--max-skipped", 9,
                   "--out", tmp_path / "run") == 3
    err = capsys.readouterr().err
    assert "updates with non-finite gradients (limit 9): check" in err and "the limit is --max-skipped" in err
    assert "Traceback" not in err and files(tmp_path / "run") == {"latest.npz"}


def test_an_agent_that_could_learn_nothing_says_so():
    agent = Agent(NoNumbers, workers=1)
    theta = agent.policy.parameters.flat.copy()
    with pytest.raises(UpdatesSkipped):
        agent.learn(300, limits=Limits(max_skipped=9))
    np.testing.assert_array_equal(agent.policy.parameters.flat, theta)


def test_ctrl_c_wins_over_too_many_skipped_updates(tmp_path, monkeypatch):
    def callback(row):
        if row.skipped:
            signal.raise_signal(signal.SIGINT)
        return not row.skipped
    reports_often(monkeypatch)
    config = small(NoNumbers, total_steps=10**8)
    RunFolder(tmp_path / "run").create(config.to_json())
    with pytest.raises(KeyboardInterrupt):
        Trainer(initial_checkpoint(config), tmp_path / "run", None, callback, Limits(max_skipped=0)).run()
    assert files(tmp_path / "run") == {"latest.npz"}
