"""What a run with a replay memory needs: room for it, and more steps than its warm-up."""

from math import prod

from ..config import Config
from ..core.algorithms import DQN
from ..system.exhaustion import available_memory

ENTRY_BYTES = 17               # of a frame's action, reward, discount and flag


def check_replay_memory(config: Config) -> None:
    """Raise ValueError, in one line, if the method has a replay memory that does not fit."""
    if not isinstance(config.algorithm, DQN):
        return
    frames, space = config.algorithm.memory_size, config.spaces.observation_space
    shape, dtype = space.shape or (), space.dtype
    assert dtype is not None
    size = frames * (prod(shape) // config.frame_stack * dtype.itemsize + ENTRY_BYTES)
    if size > 0.8 * available_memory():
        raise ValueError(f"a replay memory of {frames:,} frames takes {size / 1e6:,.0f} MB, and this machine or "
                         f"container has {available_memory() / 1e6:,.0f} MB: give a smaller memory_size")


def without_update(config: Config, step: int = 0) -> list[str]:
    """Return a warning if a run from ``step`` on ends before its memory is warm."""
    warm_up = getattr(config.algorithm, "warm_up", 0)
    if not warm_up or config.total_steps - step > warm_up:
        return []
    return [f"the run makes {config.total_steps - step:,} steps, and learns after {warm_up:,} (warm_up): it learns "
            "nothing"]
