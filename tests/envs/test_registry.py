"""What a worker is told of the ids that its program has registered."""

import dataclasses

import gymnasium
import pytest

from a3c_numba.envs.registry import pack, unpack
from a3c_numba.presets import configure


@pytest.fixture
def registry():
    """gymnasium's registry, as it was after the test."""
    before = dict(gymnasium.registry)
    yield gymnasium.registry
    gymnasium.registry.clear()
    gymnasium.registry.update(before)


def test_a_changed_spec_of_gymnasiums_own_is_sent(registry):
    before = registry["CartPole-v1"]
    registry["CartPole-v1"] = dataclasses.replace(before, max_episode_steps=77)
    packed = pack(configure("CartPole-v1"))
    registry["CartPole-v1"] = before
    assert unpack(packed).env == "CartPole-v1" and registry["CartPole-v1"].max_episode_steps == 77


def test_an_own_id_with_gymnasiums_entry_point_is_sent(registry):
    gymnasium.register("CartPoleLong-v1", entry_point=registry["CartPole-v1"].entry_point, max_episode_steps=1000)
    packed = pack(configure("CartPoleLong-v1"))
    del registry["CartPoleLong-v1"]
    assert unpack(packed).make_env().spec.max_episode_steps == 1000
