"""The paper's networks, built from layers.

    Convolutional    84x84x4 bytes -> conv 16 8x8/4 -> ReLU -> conv 32 4x4/2 -> ReLU -> dense 256 -> ReLU -> heads
    MLP              a vector -> dense -> ReLU [-> dense -> ReLU ...] -> head, once for each head

With ``recurrent`` there is an LSTM between the last ReLU and the heads.  Policy and value of Convolutional share all
layers except the heads (paper, section 5.1); those of MLP share nothing, as in the paper's continuous control.

A ReLU before a dense layer is fused with that layer (``ReluDense``, see layers/relu_dense.py); a ReLU before a
convolution or an LSTM is a separate layer.

``build`` returns the network as a description; ``Parameters(network.shapes)`` allocates its parameters, and
``network.init(parameters.tree, rng)`` draws them.
"""

from dataclasses import dataclass

import numpy as np

from .hyperparameters import documented, hyperparameter
from .layers import initializers
from .layers.base import Network
from .layers.containers import Chain, Fork
from .layers.conv2d import Conv2d
from .layers.dense import Dense
from .layers.input_scaling import Center, Scale
from .layers.lstm import LSTM
from .layers.relu import ReLU
from .layers.relu_dense import ReluDense
from .parameters import Parameters

INITIALIZERS = {"fan_in_uniform": initializers.fan_in_uniform, "he_normal": initializers.he_normal,
                "orthogonal": initializers.orthogonal, "near_zero": initializers.near_zero}
WIDEST = 8192                  # units of a layer, at most
SMALLEST = 20                  # side of an image in pixels, at least, for two convolutions
PIXELS = {"scale": Scale, "center": Center}


def _memory(inputs: int, cells: int) -> dict[str, ReLU | LSTM]:
    """Return the ReLU of the layer below, and an LSTM."""
    return {"rectified": ReLU((inputs,)), "lstm": LSTM(inputs, cells)}


@documented
@dataclass(frozen=True)
class Convolutional:
    """The paper's network for images (H, W, C) of bytes."""

    pixels: str = hyperparameter("scale",
                                 "scaling of bytes: scale (x/255, the paper's) or center (minus the image's median)",
                                 choices=tuple(PIXELS))
    dense: int = hyperparameter(256, "width of the dense layer (the paper's)", at_least=1, largest=WIDEST)
    recurrent: bool = hyperparameter(False, "an LSTM after the last hidden layer (the paper's A3C LSTM)")
    cells: int = hyperparameter(256, "cells of the LSTM (the paper's)", at_least=1, largest=WIDEST,
                                only_with="recurrent")
    body_init: str = hyperparameter("fan_in_uniform",
                                    "initial weights of all layers but LSTM and heads (the authors' value)",
                                    choices=tuple(INITIALIZERS))
    head_init: str = hyperparameter("fan_in_uniform", "initial head weights (the authors' value)",
                                    choices=tuple(INITIALIZERS))

    def takes(self, observation_shape: tuple[int, ...]) -> bool:
        """True if these are images, and large enough for two convolutions."""
        return len(observation_shape) == 3 and min(observation_shape[:2]) >= SMALLEST

    def build(self, observation_shape: tuple[int, ...], heads: dict[str, int]) -> Chain:
        """Return the network for these observations, with a branch of the given width for each head."""
        init, head_init = INITIALIZERS[self.body_init], INITIALIZERS[self.head_init]
        conv1 = Conv2d(observation_shape, 16, k=8, stride=4, initialize=init)
        conv2 = Conv2d(conv1.output_shape, 32, k=4, stride=2, initialize=init)
        top, Head = (self.cells, Dense) if self.recurrent else (self.dense, ReluDense)
        return Chain(
            pixels=PIXELS[self.pixels](observation_shape),
            conv1=conv1,
            relu=ReLU(conv1.output_shape),
            conv2=conv2,
            dense=ReluDense(conv2.output_shape, self.dense, init),
            **(_memory(self.dense, self.cells) if self.recurrent else {}),
            heads=Fork(**{name: Head(top, width, head_init) for name, width in heads.items()}),
        )


@documented
@dataclass(frozen=True)
class MLP:
    """Hidden layers for vectors; each head has its own network."""

    hidden: int = hyperparameter(64, "width of the hidden layers (the paper's for continuous control: 200)", at_least=1,
                                 largest=WIDEST)
    layers: int = hyperparameter(2, "hidden layers (the paper's for continuous control: 1)", at_least=1, largest=100)
    recurrent: bool = hyperparameter(False, "an LSTM after the last hidden layer (the paper's for continuous control)")
    cells: int = hyperparameter(128, "cells of the LSTM (the paper's for continuous control)", at_least=1,
                                largest=WIDEST, only_with="recurrent")
    body_init: str = hyperparameter("orthogonal", "initial weights of the hidden layers", choices=tuple(INITIALIZERS))
    head_init: str = hyperparameter("near_zero", "initial head weights", choices=tuple(INITIALIZERS))

    def takes(self, observation_shape: tuple[int, ...]) -> bool:
        """True if these are vectors."""
        return len(observation_shape) == 1

    def build(self, observation_shape: tuple[int, ...], heads: dict[str, int]) -> Fork:
        """Return the networks for these observations, side by side, each with a head of the given width."""
        return Fork(**{name: self._network(observation_shape[0], width) for name, width in heads.items()})

    def _network(self, inputs: int, outputs: int) -> Chain:
        init = INITIALIZERS[self.body_init]
        top, Head = (self.cells, Dense) if self.recurrent else (self.hidden, ReluDense)
        return Chain(
            dense1=Dense(inputs, self.hidden, init),
            **{f"dense{k}": ReluDense(self.hidden, self.hidden, init) for k in range(2, self.layers + 1)},
            **(_memory(self.hidden, self.cells) if self.recurrent else {}),
            head=Head(top, outputs, INITIALIZERS[self.head_init]),
        )


NetworkSettings = Convolutional | MLP
NETWORKS: dict[str, type[NetworkSettings]] = {"convolutional": Convolutional, "mlp": MLP}


def initial_parameters(network: Network, seed: np.random.SeedSequence) -> np.ndarray:
    """Draw theta (n,) float32 for a built network."""
    theta = Parameters(network.shapes)
    network.init(theta.tree, np.random.default_rng(seed))
    return theta.flat
