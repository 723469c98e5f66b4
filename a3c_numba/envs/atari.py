"""Atari 2600 games with the paper's preprocessing, directly on the Arcade Learning Environment.

One step is ``frame_skip`` emulator frames with one action.  Its reward is the unclipped sum of their rewards.  Its
observation adds the pixelwise maximum of the last two frames, grey and 84x84, to the stack.  An episode starts with 1
to ``noop_max`` no-ops and is one whole game.

The result is that of gymnasium's ``AtariPreprocessing`` under ``FrameStackObservation``, with these differences:

- If the game or the time ends inside the skipped frames, the observation is made of the last frames that were played.
- A lost life does not end the episode; FIRE is not pressed automatically.
- An episode is a pure function of (reset seed, actions).  The state of the emulator's random numbers is restored at
  every reset, so the only random numbers are the no-ops and the sticky actions, which are drawn here.

Source: Mnih et al. (2016), section 5.1; Bellemare et al. (2013); sticky actions: Machado et al. (2018), section 5.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import gymnasium
import numpy as np
from numpy.typing import NDArray

from ..core.hyperparameters import documented, hyperparameter
from ..validation import validate
from .frame_preprocessing import SIDE, Observation
from .grey_screen import GreyScreen, Palette
from .names import registered

if TYPE_CHECKING:  # the emulator is imported when the first game is made; settings do not need it
    import ale_py


@documented
@dataclass(frozen=True)
class AtariSettings:
    """Settings of a game.  Raises ValueError for a value out of range."""

    frame_skip: int = hyperparameter(4, "emulator frames per step (the paper's)", at_least=1, largest=1000)
    frame_stack: int = hyperparameter(4, "planes per observation (the paper's)", at_least=1, largest=64)
    noop_max: int = hyperparameter(30, "maximum number of no-ops at a reset, in emulator frames (the paper's)",
                                   at_least=0, largest=1_000_000)
    sticky: float = hyperparameter(0.0, "probability, per frame, that the previous action is repeated", at_least=0,
                                   at_most=1)
    max_frames: int = hyperparameter(108_000, "emulator frames before truncation, no-ops included (the paper's)",
                                     at_least=1, largest=100_000_000)
    full_actions: bool = hyperparameter(False, "all 18 actions, not only those that do something in the game")

    def __post_init__(self) -> None:
        validate(self)
        if self.max_frames <= self.noop_max:
            raise ValueError(f"max_frames must exceed noop_max: {self.max_frames} <= {self.noop_max}")


class Atari(gymnasium.Env):
    """One game.  Observation (84, 84, frame_stack) uint8, newest plane last; actions 0 .. n - 1; rewards not clipped.

    ``game_id`` is an id that ale_py registers, "ALE/Pong-v5" or "PongNoFrameskip-v4", or another id of its entry point;
    it selects only the game, and ``settings`` determine the rest.  ``info``: "lives", "frame_number" (emulator frames
    since the reset).
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

    def reset(self, *, seed: int | None = None, options: dict | None = None) -> tuple[NDArray, dict]:
        """Start a game, play its no-ops and fill the stack with its first frame; ``options`` are ignored."""
        super().reset(seed=seed)
        self._restart()
        noop_max = self.settings.noop_max
        for _ in range(self.np_random.integers(1, noop_max + 1) if noop_max else 0):
            self._emulate(self._noop)
            if self._ale.game_over():
                self._restart()
        self._older.clear()
        if self._frame:
            self._newest.fetch(self._ale)
        else:                                                            # the restored state has no screen yet
            self._newest.clear()
            self._observation.newest[:] = self._first_screen
        self._observation.fill()
        return self._observation.stack.copy(), self._info()

    def step(self, action: int) -> tuple[NDArray, float, bool, bool, dict]:
        """Play ``action`` for ``frame_skip`` frames, or until the game ends or ``max_frames`` is reached.

        Raise ValueError for an action that does not exist (the emulator would accept it).
        """
        if not 0 <= action < len(self._actions):
            raise ValueError(f"action {action} is outside 0 .. {len(self._actions) - 1}")
        reward = self._play(self._actions[action])
        terminated = self._ale.game_over()
        truncated = not terminated and self._frame >= self.settings.max_frames
        return self._observation.stack.copy(), reward, terminated, truncated, self._info()

    def render(self) -> NDArray[np.uint8] | None:  # type: ignore[override]
        """Return the screen in colour, (height, width, 3) uint8, if ``render_mode`` is "rgb_array"; else None."""
        return self._ale.getScreenRGB() if self.render_mode == "rgb_array" else None

    @property
    def action_names(self) -> list[str]:
        """Return the emulator's names of the actions, in order: NOOP, FIRE, RIGHT, ..."""
        return [action.name for action in self._actions]

    def _play(self, action: "ale_py.Action") -> float:
        """Play one step, add to the observation, return the reward.  Only the last two screens are fetched (slow)."""
        ale = self._ale
        frames = min(self.settings.frame_skip, self.settings.max_frames - self._frame)
        reward = 0
        for t in range(frames):
            reward += self._emulate(action)
            if ale.game_over():
                break
            if t == frames - 2:
                self._older.fetch(ale)
        if t < frames - 1 or frames < 2:                                 # no frame before the last one was fetched
            self._older.clear()
        self._newest.fetch(ale)
        self._observation.add()
        return float(reward)

    def _emulate(self, action: "ale_py.Action") -> int:
        """Play one emulator frame with ``action`` or, if it sticks, the previous action; return the reward."""
        sticky = self.settings.sticky
        if not sticky or self.np_random.random() >= sticky:
            self._executed = action
        self._frame += 1
        return self._ale.act(self._executed, 1.0)                        # ale_py 0.10.0 moves paddles less without 1.0

    def _restart(self) -> None:
        # reset_game alone does not reset the emulator's random numbers (10 of 104 games then differ); restoring the
        # state alone leaves the last game's pixels where the first frames draw nothing (5 games, such as Q*bert).
        self._ale.reset_game()
        self._ale.restoreSystemState(self._beginning)
        self._frame = 0
        self._executed = self._noop

    def _info(self) -> dict[str, int]:
        return {"lives": self._ale.lives(), "frame_number": self._frame}


def load(game_id: str) -> "ale_py.ALEInterface":
    """Return the emulator at the start of a game, without log output, deterministic."""
    import ale_py
    from ale_py import roms

    spec = registered(game_id)
    if spec is None:
        raise gymnasium.error.UnregisteredEnv(f"no game is called {game_id!r}")
    rom = roms.get_rom_path(spec.kwargs["game"])
    assert rom is not None, "ale_py contains the ROM of every game that it registers"
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.setInt("random_seed", 1)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.loadROM(rom)
    ale.reset_game()
    return ale
