"""What a worker resumes from: its random stream, and the episode under way, which is played once more."""

import warnings

import numpy as np

from ..core.rollout import RolloutCollector
from ..runs.checkpoint import WorkerState


def collector_state(collector: RolloutCollector) -> WorkerState:
    """Return all that the next rollout depends on besides theta, as plain numbers that JSON can hold."""
    return {"generator": collector.rng.bit_generator.state, "episode_seed": collector.episode_seed,
            "episode_actions": collector.episode_actions.copy(),
            "recurrent": collector.recurrent.read(collector.state_row).tolist(),
            "next_action": collector.next_action.tolist() if collector.next_action_drawn else None}


def restore(collector: RolloutCollector, state: WorkerState) -> None:
    """Resume from ``state``: play the episode under way once more, action by action.

    If it ends early, warn; the next rollout then begins a new episode.
    """
    collector.rng.bit_generator.state = state["generator"]
    seed, actions = state["episode_seed"], state["episode_actions"].copy()
    collector.episode_seed = None
    if seed is None:
        return
    collector.current, goes_on = collector.env.replay(seed, map(collector.distribution.executed, actions))
    if not goes_on:
        warnings.warn("the environment is not a function of its seed and actions: a new episode is begun")
        return
    collector.episode_seed, collector.episode_actions = seed, actions
    collector.state_row = 0
    collector.recurrent.write(0, state.get("recurrent", 0))
    collector.next_action_drawn = state.get("next_action") is not None
    collector.next_action = np.asarray(state.get("next_action"))
