"""Evaluate a trained agent as papers report it: scores of whole games, rewards not clipped.

    noop     1 to 30 no-ops at the start of a game, no sticky actions           (Mnih et al. 2015)
    sticky   no no-ops; at each frame the last action sticks with p = 0.25       (Machado et al. 2018)

An episode depends only on the evaluation's seed and the episode's number, not on the process that plays it.  It is
stopped after ``max_steps``, for an environment that never ends.
The environment is checked as in training (envs/episode.py): a number that is not finite is seen as 0.
"""

import json
import zlib
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Iterator, NamedTuple

import numpy as np

from .config import Config, fresh_seed
from .core.distributions.base import Action
from .core.hyperparameters import documented, hyperparameter
from .envs.registry import pack, unpack
from .inference import Policy
from .runs.progress import Figures
from .system.nonfinite import zero_nonfinite
from .system.terminal import log
from .system.worker_pool import map_in_workers
from .validation import validate, whole_number

MOST_PROCESSES = 1024
MOST_STEPS = 108_000           # of a game: half an hour of Atari at 60 frames a second, each frame a step
PROTOCOLS = {"noop": {"noop_max": 30, "sticky": 0.0}, "sticky": {"noop_max": 0, "sticky": 0.25}}


class Game(NamedTuple):
    """One game of an evaluation."""

    episode: int
    score: float            # sum of rewards, not clipped
    length: int             # agent steps
    truncated: bool         # ended by the environment's time limit
    capped: bool = False    # stopped after ``max_steps``
    moves: int | None = None    # Atari: checksum of its first observation and its actions; the same for the same game


class Step(NamedTuple):
    """One step of a game."""

    obs: np.ndarray         # acted on, as the network sees it
    outputs: tuple[np.ndarray, ...]     # what the network said of it, (1, ...) each
    action: Action          # as drawn: a continuous one may lie outside its Box
    reward: float
    terminated: bool
    truncated: bool


@documented
@dataclass(frozen=True)
class EvaluationSettings:
    """Settings of an evaluation.  Raises ValueError, in one line, for a value out of its range."""

    episodes: int = hyperparameter(30, "whole games", at_least=1, largest=1_000_000)
    protocol: str = hyperparameter("noop", "how a game starts and goes", choices=tuple(PROTOCOLS))
    deterministic: bool = hyperparameter(False, "the most probable action instead of a drawn one")
    seed: int | None = hyperparameter(0, "of the games; None draws one, which is then its value", at_least=0)
    max_steps: int = hyperparameter(MOST_STEPS, "agent steps after which a game is stopped", at_least=1)

    def __post_init__(self) -> None:
        """Validate the fields."""
        if self.seed is None:
            object.__setattr__(self, "seed", fresh_seed())
        validate(self)


class Evaluator:
    """Play numbered games with an environment and a policy; ``number`` is this process's, of several that do.

    ``steps`` and ``play`` raise ValueError, in one line, for an observation that does not fit the environment's space
    and for a reward that is not a number.
    """

    def __init__(self, config: Config, theta: np.ndarray, settings: EvaluationSettings,
                 render_mode: str | None = None, number: int = 0) -> None:
        self.env = config.make_episode_env(render_mode, config.workers + number, **PROTOCOLS[settings.protocol])
        try:
            if settings.protocol != "noop" and config.family != "atari":
                raise ValueError(f"protocol {settings.protocol} is for Atari games, and {config.env_name} is none")
            self.policy = Policy(config.build_network(self.env), config.algorithm, self.env.action_space, theta)
        except BaseException:
            self.close()
            raise
        self.settings = settings
        self.same_starts = config.family == "atari"                      # one state of the emulator, and some no-ops

    def close(self) -> None:
        """Close the environment, whatever that raises."""
        with suppress(Exception, SystemExit):
            self.env.close()

    def steps(self, episode: int) -> Iterator[Step]:
        """Play a game to its end, or for ``max_steps``; yield its steps."""
        game, acting = np.random.SeedSequence(self.settings.seed, spawn_key=(episode,)).spawn(2)
        rng = np.random.default_rng(acting)
        obs, _ = self.env.reset(seed=int(game.generate_state(1)[0] >> 1))
        state = self.policy.initial_state(1)
        terminated = truncated = False
        while not (terminated or truncated) and self.env.length < self.settings.max_steps:
            seen = obs.copy()                                            # the environment may write to its own
            outputs, state = self.policy.outputs(seen[None], state)
            action = self.policy.choose(outputs, rng, self.settings.deterministic)[0]
            if self.policy.pi.action_shape:
                zero_nonfinite(action)                                   # what it is drawn with may have overflowed
            obs, _, terminated, truncated, _ = self.env.step(self.policy.pi.executed(action))
            yield Step(seen, outputs, action, self.env.reward, bool(terminated), bool(truncated))

    def play(self, episode: int) -> Game:
        """Play a whole game and return its score."""
        terminated = truncated = False
        moves = None
        for step in self.steps(episode):
            if self.same_starts:
                moves = zlib.crc32(step.obs.tobytes()) if moves is None else moves
                moves = zlib.crc32(np.asarray(step.action).tobytes(), moves)
            terminated, truncated = step.terminated, step.truncated
        return Game(episode, self.env.score, self.env.length, truncated, not (terminated or truncated), moves)


def evaluate(config: Config, theta: np.ndarray, settings: EvaluationSettings, workers: int = 1) -> list[Game]:
    """Play ``settings.episodes`` games in ``workers`` processes; the result does not depend on their number.

    Logs a line if games were stopped after ``settings.max_steps``.  Raises what ``Evaluator`` does, BrokenProcessPool
    if a process exited early, WorkerStartError if one could not be started.
    """
    count = whole_number("workers", workers, 1, MOST_PROCESSES)
    if count == 1:
        evaluator = Evaluator(config, theta, settings)
        try:
            games = [evaluator.play(episode) for episode in range(settings.episodes)]
        finally:
            evaluator.close()
    else:
        games = map_in_workers(_Player, (pack(config), theta, settings), settings.episodes, count)
    if capped := sum(game.capped for game in games):
        log([f"{capped} of {len(games)} games were stopped after {settings.max_steps:,} steps (max_steps, "
             "--max-steps): their scores are those so far"])
    return games


class _Player(Evaluator):
    """Worker ``number``'s evaluator, called with the number of a game."""

    def __init__(self, config: bytes, theta: np.ndarray, settings: EvaluationSettings, number: int) -> None:
        super().__init__(unpack(config), theta, settings, number=number)

    def __call__(self, episode: int) -> Game:
        return self.play(episode)


def figures(games: list[Game]) -> Figures:
    """Return the figures of the games' scores.

    The standard error is that of the ``different`` games.  The Atari emulator begins all games in the same state, so
    there are no more starts than no-ops, and a deterministic agent plays a game of the same start once more.
    """
    scores = np.array([game.score for game in games])
    different = list({game.episode if game.moves is None else (game.moves, game.length): game.score
                      for game in games}.values())
    error = float(np.std(different, ddof=1) / np.sqrt(len(different))) if len(different) > 1 else np.nan
    return Figures(len(games), len(different), float(scores.mean()), error, float(scores.min()), float(scores.max()))


def summary(games: list[Game], settings: EvaluationSettings) -> dict[str, object]:
    """Return mean, standard error, median, min and max of the scores, the protocol, and every game."""
    found = figures(games)
    error = None if np.isnan(found.standard_error) else found.standard_error
    median = float(np.median([game.score for game in games]))
    return asdict(settings) | {"different": found.different, "mean": found.mean, "standard_error": error,
                               "median": median, "min": found.min, "max": found.max,
                               "games": [game._asdict() for game in games]}


def as_json(result: dict[str, object]) -> str:
    """Return the result as JSON; a number that is not finite becomes null."""
    return json.dumps(json.loads(json.dumps(result), parse_constant=lambda name: None), indent=1)
