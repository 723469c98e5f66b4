"""Atari 2600 games as the paper plays them, straight on the Arcade Learning Environment.

One step is ``frame_skip`` emulator frames under one action; its reward is their raw sum; its observation adds the
pixelwise maximum of the last two frames, grey and 84x84, to the stack.  An episode starts with 1 to ``noop_max``
no-ops and is one whole game.

The meaning is that of gymnasium's ``AtariPreprocessing`` under ``FrameStackObservation``, with these differences:

- Where the game or the time ends inside the skipped frames, the observation is of the frames really seen last.
- A lost life ends nothing; no button is pressed on the player's behalf.
- An episode is a pure function of (reset seed, actions).  The emulator's own random numbers are put back at every
  reset, so the no-ops and the sticky actions, drawn here, are the only chance there is.

Source: Mnih et al. (2016), section 5.1; Bellemare et al. (2013); sticky actions: Machado et al. (2018), section 5.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ..core.hyperparameters import check, setting
from .frame_preprocessing import SIDE, Observation
from .grey_screen import GreyScreen, Palette

if TYPE_CHECKING:  # the emulator itself is imported with the first game: settings alone do not need it
    import ale_py


@dataclass(frozen=True)
class AtariSettings:
    """How a game is played.  Raises ValueError for a setting out of its range."""

    frame_skip: int = setting(4, "emulator frames per step (the paper's)", at_least=1, largest=1000)
    frame_stack: int = setting(4, "planes per observation (the paper's)", at_least=1, largest=64)
    noop_max: int = setting(30, "the most no-ops at a reset, in emulator frames (the paper's)", at_least=0,
                            largest=1_000_000)
    sticky: float = setting(0.0, "probability, per frame, that the last action sticks", at_least=0, at_most=1)
    max_frames: int = setting(108_000, "emulator frames before truncation, no-ops included (the paper's)", at_least=1,
                              largest=100_000_000)
    full_actions: bool = setting(False, "all 18 actions, not only those that do something in the game")

    def __post_init__(self) -> None:
        check(self)
        if self.max_frames <= self.noop_max:
            raise ValueError(f"max_frames must exceed noop_max: {self.max_frames} <= {self.noop_max}")


class Atari(gymnasium.Env[NDArray[np.uint8], Any]):
    """One game.  Observation (84, 84, frame_stack) uint8, newest plane last; actions 0 .. n - 1; rewards not clipped.

    ``game_id`` is an id that ale_py registers, "ALE/Pong-v5" or "PongNoFrameskip-v4": it says which game, and
    ``settings`` says everything else.  ``info``: "lives", "frame_number" (emulator frames since the reset).
    Raises gymnasium.error.UnregisteredEnv for an unknown game.
    """

    metadata = {"render_modes": ["rgb_array"], "render_fps": 15}

    def __init__(self, game_id: str, settings: AtariSettings = AtariSettings(), render_mode: str | None = None):
        self.settings = settings
        self.render_mode = render_mode
        self._ale = ale = load(game_id)
        self._actions = ale.getLegalActionSet() if settings.full_actions else ale.getMinimalActionSet()
        height, width = ale.getScreenDims()
        self._observation = Observation(height, width, settings.frame_stack)
        palette = Palette()
        self._older = GreyScreen(self._observation.older, palette)
        self._newest = GreyScreen(self._observation.newest, palette)
        self._beginning = ale.cloneSystemState()
        self._first_screen = ale.getScreenGrayscale()
        self._frame = 0
        self._noop = self._executed = ale.getLegalActionSet()[0]  # the minimal set of two games lacks it
        self.action_space = gymnasium.spaces.Discrete(len(self._actions))
        self.observation_space = gymnasium.spaces.Box(0, 255, (SIDE, SIDE, settings.frame_stack), np.uint8)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[NDArray, dict]:
        """A new game after its no-ops, the stack filled with its first frame; ``options`` are not looked at."""
        super().reset(seed=seed)
        self._restart()
        noop_max = self.settings.noop_max
        for _ in range(self.np_random.integers(1, noop_max + 1) if noop_max else 0):
            self._emulate(self._noop)
            if self._ale.game_over():
                self._restart()
        self._see_first_frame()
        return self._observation.stack.copy(), self._info()

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Play ``action`` for ``frame_skip`` frames, or as many as the game and ``max_frames`` still allow.

        Raises ValueError for an action that does not exist (the emulator would accept it).
        """
        if not 0 <= action < len(self._actions):
            raise ValueError(f"action {action} is outside 0 .. {len(self._actions) - 1}")
        reward = self._play(self._actions[action])
        terminated = self._ale.game_over()
        truncated = not terminated and self._frame >= self.settings.max_frames
        return self._observation.stack.copy(), reward, terminated, truncated, self._info()

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """The screen in colour, (height, width, 3) uint8, where ``render_mode`` is "rgb_array"."""
        return self._ale.getScreenRGB() if self.render_mode == "rgb_array" else None

    @property
    def action_names(self) -> list[str]:
        """The emulator's names of the actions, in order: NOOP, FIRE, RIGHT, ..."""
        return [action.name for action in self._actions]

    def _play(self, action: "ale_py.Action") -> float:
        """Frames, reward and observation of one step.  A screen is costly: only the last two are fetched."""
        ale = self._ale
        frames = min(self.settings.frame_skip, self.settings.max_frames - self._frame)
        reward = 0
        for t in range(frames):
            reward += self._emulate(action)
            if ale.game_over():
                break
            if t == frames - 2:
                self._older.fetch(ale)
        if t < frames - 1 or frames < 2:                                 # no frame before the last one was seen
            self._older.clear()
        self._newest.fetch(ale)
        self._observation.add()
        return float(reward)

    def _emulate(self, action: "ale_py.Action") -> int:
        """One emulator frame, of ``action`` or, where it sticks, of the action before; returns the reward."""
        sticky = self.settings.sticky
        if not sticky or self.np_random.random() >= sticky:
            self._executed = action
        self._frame += 1
        return self._ale.act(self._executed)

    def _restart(self) -> None:
        # reset_game alone leaves the emulator's random numbers where they were (10 games of 104 then differ);
        # restoring alone leaves the last game's pixels where the first frames draw nothing (5 games, Q*bert too).
        self._ale.reset_game()
        self._ale.restoreSystemState(self._beginning)
        self._frame = 0
        self._executed = self._noop

    def _see_first_frame(self) -> None:
        self._older.clear()
        if self._frame:
            self._newest.fetch(self._ale)
        else:  # the state that was restored has no picture before its first frame
            self._newest.clear()
            self._observation.newest[:] = self._first_screen
        self._observation.fill()

    def _info(self) -> dict[str, int]:
        return {"lives": self._ale.lives(), "frame_number": self._frame}


def load(game_id: str) -> "ale_py.ALEInterface":
    """The emulator at the start of a game, silent, without chance of its own."""
    import ale_py
    from ale_py import roms

    gymnasium.register_envs(ale_py)
    rom = roms.get_rom_path(gymnasium.spec(game_id).kwargs["game"])
    assert rom is not None, "ale_py registers the games whose ROMs it carries"
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.setInt("random_seed", 1)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(rom)
    ale.reset_game()
    return ale
