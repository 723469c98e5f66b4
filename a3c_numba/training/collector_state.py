"""What a worker resumes from: its random stream, and the episode under way, which is played once more.

An episode that is too long for a ``RowRecord`` is not played again: the worker resumes with a new one.
"""

import warnings
from typing import Any

import numpy as np

from ..core.rollout import RolloutCollector
from ..runs.checkpoint import WorkerState
from ..runs.compact_array import decode, encode


def collector_state(collector: RolloutCollector) -> WorkerState:
    """Return all that the next rollout depends on besides theta, as plain values that JSON can hold."""
    actions = collector.episode_actions.rows()
    return {"generator": collector.rng.bit_generator.state, "episode_seed": collector.episode_seed,
            "episode_actions": None if actions is None else encode(actions),
            "recurrent": collector.recurrent.read(collector.state_row).tolist(),
            "next_action": collector.next_action.tolist() if collector.next_action_drawn else None}


def is_too_long(state: WorkerState | None) -> bool:
    """True if the state is in an episode that is too long to be played again."""
    return state is not None and state.get("episode_seed") is not None and state["episode_actions"] is None


def actions_of(state: WorkerState) -> list[Any]:
    """Return the actions of the episode under way; files of version 0.1 have them as a list."""
    stored = state["episode_actions"]
    actions: list[Any] = stored if isinstance(stored, list) else decode(stored).tolist()
    return actions


def restore(collector: RolloutCollector, state: WorkerState) -> None:
    """Resume from ``state``: play the episode under way once more, action by action.

    If it ends early, warn; the next rollout then begins a new episode.
    """
    collector.rng.bit_generator.state = state["generator"]
    collector.episode_seed = None
    if state["episode_seed"] is None or is_too_long(state):
        return
    actions = actions_of(state)
    collector.current, goes_on = collector.env.replay(state["episode_seed"],
                                                      map(collector.distribution.executed, actions))
    if not goes_on:
        warnings.warn("the environment is not a function of its seed and actions: a new episode is begun")
        return
    collector.episode_seed = state["episode_seed"]
    for action in actions:
        collector.episode_actions.append(action)
    collector.state_row = 0
    collector.recurrent.write(0, state.get("recurrent", 0))
    collector.next_action_drawn = state.get("next_action") is not None
    collector.next_action = np.asarray(state.get("next_action"))
