"""The resize, pixel for pixel against OpenCV; the stack against plain NumPy."""

import numpy as np
import pytest

from a3c_numba.envs.frame_preprocessing import SIDE, Observation, area_taps

SCREENS = [(210, 160), (214, 160), (220, 160), (230, 160), (250, 160), (84, 84), (100, 333)]


def noise(rng, shape):
    """Every value of uint8, so that averages that end in .5 are frequent."""
    return rng.integers(0, 256, shape, dtype=np.uint8)


@pytest.mark.parametrize("n", [84, 160, 210, 250, 333])
def test_weights_of_an_output_sum_to_1_and_inputs_count_alike(n):
    first, weights = area_taps(n, SIDE)
    dense = np.zeros((SIDE, n))
    for d in range(SIDE):
        dense[d, first[d] : first[d] + len(weights)] = weights[:, d]
    np.testing.assert_allclose(dense.sum(1), 1, atol=1e-6)
    np.testing.assert_allclose(dense.sum(0), SIDE / n, atol=1e-6)


@pytest.mark.parametrize("shape", SCREENS)
def test_noise_is_resized_as_by_opencv(shape):
    cv2 = pytest.importorskip("cv2", exc_type=ImportError)
    rng = np.random.default_rng(0)
    observation = Observation(*shape, planes=4)
    for _ in range(20):
        observation.older[:], observation.newest[:] = noise(rng, shape), noise(rng, shape)
        pooled = np.maximum(observation.older, observation.newest)
        observation.add()
        expected = cv2.resize(pooled, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
        np.testing.assert_array_equal(observation.stack[:, :, -1], expected)


def test_only_lines_that_did_not_change_are_carried_over():
    rng = np.random.default_rng(1)
    kept = Observation(210, 160, planes=2)
    for _ in range(50):
        lines = rng.integers(0, 210, 3)
        kept.newest[lines] = noise(rng, (3, 160))
        kept.older[rng.integers(0, 210)] = noise(rng, 160)
        kept.add()
        fresh = Observation(210, 160, planes=2)
        fresh.older[:], fresh.newest[:] = kept.older, kept.newest
        fresh.add()
        np.testing.assert_array_equal(kept.stack[:, :, -1], fresh.stack[:, :, -1])


@pytest.mark.kernel
@pytest.mark.parametrize("planes", [1, 2, 4])
def test_the_newest_plane_is_the_last_and_the_oldest_leaves(planes):
    observation = Observation(84, 84, planes)
    screens = [noise(np.random.default_rng(i), (84, 84)) for i in range(3)]
    observation.newest[:] = screens[0]
    observation.fill()
    history = [screens[0]] * planes
    for screen in screens[1:]:
        observation.newest[:] = screen
        observation.add()
        history = history[1:] + [screen]
        np.testing.assert_array_equal(observation.stack, np.stack(history, axis=-1))
