"""Atari games: against gymnasium's wrappers, and the promises that these do not make."""

import gymnasium
import numpy as np
import pytest

ale_py = pytest.importorskip("ale_py")

from a3c_numba.envs.atari import Atari, AtariSettings, load  # noqa: E402
from a3c_numba.envs.frame_preprocessing import Observation  # noqa: E402

GAMES = ["Pong", "Breakout", "SpaceInvaders", "Seaquest", "Qbert", "BeamRider"]


def play(env, seed, actions):
    """Observations, rewards, ends and infos of an episode, as long as it lasts."""
    seen = [env.reset(seed=seed)]
    for action in actions:
        seen.append(env.step(action))
        if seen[-1][2] or seen[-1][3]:
            break
    return seen


def assert_same(one, other):
    assert len(one) == len(other)
    for a, b in zip(one, other):
        np.testing.assert_array_equal(a[0], b[0])
        assert a[1:] == b[1:]


def random_actions(env, steps, seed=0):
    return np.random.default_rng(seed).integers(0, env.action_space.n, steps).tolist()


def gymnasium_twin(game, seed):
    """gymnasium's own preprocessing, with the emulator's seed and the no-ops' Generator of ``Atari``."""
    gymnasium.register_envs(ale_py)
    inner = gymnasium.make(f"ALE/{game}-v5", frameskip=1, repeat_action_probability=0.0)
    inner.unwrapped.ale.setInt("random_seed", 1)
    inner.unwrapped.load_game()
    inner.unwrapped.np_random = gymnasium.utils.seeding.np_random(seed)[0]
    wrapped = gymnasium.wrappers.AtariPreprocessing(inner, noop_max=30, frame_skip=4)
    return gymnasium.wrappers.FrameStackObservation(wrapped, 4)


@pytest.mark.parametrize("game", GAMES)
def test_every_pixel_and_reward_is_gymnasiums(game):
    pytest.importorskip("cv2", exc_type=ImportError)
    env, twin = Atari(f"ALE/{game}-v5"), gymnasium_twin(game, seed=7)
    obs, info = env.reset(seed=7)
    expected, expected_info = twin.reset()
    np.testing.assert_array_equal(obs, np.moveaxis(expected, 0, -1))
    for action in random_actions(env, 300):
        obs, reward, terminated, truncated, info = env.step(action)
        expected, expected_reward, *ends, expected_info = twin.step(action)
        assert (reward, [terminated, truncated]) == (expected_reward, ends)
        assert info["lives"] == expected_info["lives"]
        assert info["frame_number"] == expected_info["episode_frame_number"]
        if terminated:  # here gymnasium shows an older frame
            break
        np.testing.assert_array_equal(obs, np.moveaxis(expected, 0, -1))


@pytest.mark.parametrize("game", ["BeamRider", "Qbert", "Amidar", "Berzerk", "Solaris", "KingKong"])
@pytest.mark.parametrize("noop_max", [0, 30])
def test_an_episode_depends_on_seed_and_actions_alone(game, noop_max):
    settings = AtariSettings(sticky=0.25, noop_max=noop_max)
    env = Atari(f"ALE/{game}-v5", settings)
    actions = random_actions(env, 40)
    first = play(env, 3, actions)
    play(env, 4, random_actions(env, 60, seed=1))
    assert_same(play(env, 3, actions), first)
    assert_same(play(Atari(f"ALE/{game}-v5", settings), 3, actions), first)


def test_without_noops_the_first_frame_is_of_the_restored_state():
    """Berzerk's title differs from reset to reset: the emulator's last picture is not the restored state's."""
    env, untouched = Atari("ALE/Berzerk-v5", AtariSettings(noop_max=0)), load("ALE/Berzerk-v5")
    expected = Observation(210, 160, 4)
    untouched.getScreenGrayscale(expected.newest)
    expected.fill()
    np.testing.assert_array_equal(env.reset(seed=0)[0], expected.stack)


def test_noops_are_1_to_noop_max_and_differ_between_resets():
    env = Atari("ALE/Pong-v5", AtariSettings(noop_max=5))
    env.reset(seed=0)
    assert {env.reset()[1]["frame_number"] for _ in range(60)} == {1, 2, 3, 4, 5}
    without = Atari("ALE/Pong-v5", AtariSettings(noop_max=0))
    assert without.reset(seed=0)[1]["frame_number"] == 0


def test_the_stack_starts_with_one_frame_and_is_the_callers_own():
    env = Atari("ALE/Breakout-v5")
    first, _ = env.reset(seed=0)
    assert env.observation_space.contains(first)
    assert all((first[:, :, i] == first[:, :, 3]).all() for i in range(3))
    kept = first.copy()
    second, *_ = env.step(1)
    np.testing.assert_array_equal(first, kept)
    np.testing.assert_array_equal(second[:, :, :3], first[:, :, 1:])


def test_the_frame_limit_truncates_on_the_frame_and_shows_it():
    cut = AtariSettings(noop_max=0, frame_skip=4, max_frames=402)  # two frames into the 101st step
    env, free = Atari("ALE/Pong-v5", cut), Atari("ALE/Pong-v5", AtariSettings(noop_max=0, frame_skip=2))
    seen = play(env, 0, [2] * 200)
    every_other = play(free, 0, [2] * 201)
    assert len(seen) == 1 + 101
    assert [step[2:4] for step in seen[1:]] == [(False, False)] * 100 + [(False, True)]
    assert seen[-1][4]["frame_number"] == 402
    np.testing.assert_array_equal(seen[-1][0][:, :, -1], every_other[201][0][:, :, -1])


def test_the_end_of_the_game_terminates_and_shows_the_last_frame():
    """Breakout without moving: five lives, then the end, somewhere inside the skipped frames."""
    env = Atari("ALE/Breakout-v5", AtariSettings(noop_max=0))
    shown = Atari("ALE/Breakout-v5", AtariSettings(noop_max=0, frame_skip=1))
    seen = play(env, 0, [1] * 2000)
    assert seen[-1][2:4] == (True, False) and seen[-1][4]["lives"] == 0
    lives = [info["lives"] for *_, info in seen]
    assert max(lives) == 5 and sorted(lives, reverse=True) == lives  # a lost life ended nothing
    frames = play(shown, 0, [1] * 8000)
    assert len(frames) - 1 == seen[-1][4]["frame_number"]
    last_two = np.maximum(frames[-1][0][:, :, -1], frames[-2][0][:, :, -1])
    newest = seen[-1][0][:, :, -1]
    assert (newest == frames[-1][0][:, :, -1]).all() or (newest == last_two).all()


@pytest.mark.parametrize("sticky", [0.0, 0.25, 1.0])
def test_stickiness_is_a_rate_per_emulator_frame(sticky):
    env = Atari("ALE/Pong-v5", AtariSettings(noop_max=0, sticky=sticky, frame_skip=1))
    env.reset(seed=0)
    stuck = 0
    for step in range(1000):
        before = env._executed
        asked = 2 + step % 2
        env.step(asked)
        stuck += env._executed == before and env._executed != env._actions[asked]
    # an action that stuck and is asked for next counts as not stuck: s = p (1 - s), s = p / (1 + p), but for p = 1
    assert stuck == pytest.approx(1000 * (1.0 if sticky == 1 else sticky / (1 + sticky)), abs=50)


def test_rewards_are_raw_sums():
    env = Atari("ALE/SpaceInvaders-v5")
    assert max(step[1] for step in play(env, 0, random_actions(env, 300))[1:]) > 1


@pytest.mark.parametrize("action", [-1, 6])
def test_an_action_that_does_not_exist_is_refused(action):
    env = Atari("ALE/Pong-v5")
    env.reset(seed=0)
    with pytest.raises(ValueError, match=f"action {action} is outside 0 .. 5"):
        env.step(action)


def test_full_actions_and_pictures():
    env = Atari("PongNoFrameskip-v4", AtariSettings(full_actions=True), render_mode="rgb_array")
    env.reset(seed=0)
    assert env.action_space.n == 18
    assert env.render().shape == (210, 160, 3)
    assert Atari("ALE/Pong-v5").render() is None


@pytest.mark.parametrize("wrong", [{"frame_skip": 0}, {"sticky": 1.5}, {"noop_max": -1}, {"max_frames": 30}])
def test_settings_out_of_range_are_refused(wrong):
    with pytest.raises(ValueError):
        AtariSettings(**wrong)


def test_nothing_is_printed(capfd):
    Atari("ALE/Pong-v5")
    assert capfd.readouterr() == ("", "")
