"""Grey screens from palette indices, against the emulator's own."""

import numpy as np
import pytest

from a3c_numba.envs.atari import load
from a3c_numba.envs.grey_screen import GreyScreen, Palette

GAMES = ["Pong", "Breakout", "SpaceInvaders", "Qbert", "BeamRider", "Seaquest", "MsPacman"]


@pytest.mark.parametrize("game", GAMES)
def test_every_pixel_is_the_emulators_own(game):
    ale, rng, palette = load(f"ALE/{game}-v5"), np.random.default_rng(0), Palette()
    actions = ale.getMinimalActionSet()
    often, seldom = (GreyScreen(np.zeros(ale.getScreenDims(), np.uint8), palette) for _ in range(2))
    for t in range(600):
        if ale.game_over():
            ale.reset_game()
        ale.act(actions[rng.integers(len(actions))])
        wanted = ale.getScreenGrayscale()
        often.fetch(ale)
        np.testing.assert_array_equal(often.grey, wanted)
        if t % 7 == 0:
            seldom.fetch(ale)
            np.testing.assert_array_equal(seldom.grey, wanted)
        if t % 70 == 0:
            seldom.clear()
            assert not seldom.grey.any()


class Emulator:
    """Shows what it is told; counts how often its grey screen is asked for."""

    def __init__(self):
        self.indices, self.levels, self.asked = np.zeros((3, 4), np.uint8), np.arange(256, dtype=np.uint8)[::-1], 0

    def getScreen(self, buffer):
        buffer[:] = self.indices

    def getScreenGrayscale(self, buffer):
        self.asked += 1
        buffer[:] = self.levels[self.indices]


def test_the_grey_screen_is_asked_for_only_when_an_index_is_new():
    emulator = Emulator()
    screen = GreyScreen(np.zeros((3, 4), np.uint8), Palette())
    for indices, asked in [([0, 0], 1), ([0, 7], 2), ([7, 0], 2), ([7, 255], 3), ([255, 255], 3)]:
        emulator.indices[0, 1:3] = indices
        screen.fetch(emulator)
        np.testing.assert_array_equal(screen.grey, emulator.levels[emulator.indices])
        assert emulator.asked == asked


def test_after_clear_every_line_is_translated_again():
    emulator = Emulator()
    screen = GreyScreen(np.zeros((3, 4), np.uint8), Palette())
    screen.fetch(emulator)
    screen.clear()
    screen.fetch(emulator)
    assert (screen.grey == 255).all() and emulator.asked == 1
