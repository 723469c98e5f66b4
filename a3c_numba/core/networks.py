"""The paper's networks, built from layers.

    Convolutional    84x84x4 bytes -> conv 16 8x8/4 -> ReLU -> conv 32 4x4/2 -> ReLU -> dense 256 -> ReLU -> heads
                     or DQN's: conv 32 8x8/4 -> ReLU -> conv 64 4x4/2 -> ReLU -> conv 64 3x3/1 -> ReLU -> dense 512 ...
    MLP              a vector -> dense -> ReLU [-> dense -> ReLU ...] -> head, once for each head

With ``recurrent`` there is an LSTM between the last ReLU and the heads.  Policy and value of Convolutional share all
layers except the heads (paper, section 5.1); those of MLP share nothing, as in the paper's continuous control.

A ReLU before a dense layer is fused with that layer (``ReluDense``, see layers/relu_dense.py); a ReLU before a
convolution or an LSTM is a separate layer.

``build`` returns the network as a description; ``Parameters(network.shapes)`` allocates its parameters, and
``network.init(parameters.tree, rng)`` draws them.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Protocol

import numpy as np

from .hyperparameters import documented, hyperparameter
from .layers import initializers
from .layers.base import Network
from .layers.containers import Chain, Fork
from .layers.conv2d import Conv2d, output_side
from .layers.dense import Dense
from .layers.input_scaling import Center, Scale
from .layers.lstm import LSTM
from .layers.relu import ReLU
from .layers.relu_dense import ReluDense
from .parameters import Parameters

INITIALIZERS = {"fan_in_uniform": initializers.fan_in_uniform, "he_normal": initializers.he_normal,
                "orthogonal": initializers.orthogonal, "near_zero": initializers.near_zero}
WIDEST = 8192                  # units of a layer, at most
# Filters, side and stride of the convolutions, by the year of the paper.
CONVOLUTIONS = {"2016": ((16, 8, 4), (32, 4, 2)), "2015": ((32, 8, 4), (64, 4, 2), (64, 3, 1))}
SMALLEST = 20                  # side of an image in pixels, at least, for the convolutions of 2016
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
    convolutions: str = hyperparameter("2016", "2016 (16 filters 8x8/4 and 32 4x4/2, the paper's) or 2015 (32 8x8/4, "
                                       "64 4x4/2 and 64 3x3/1, DQN's)", choices=tuple(CONVOLUTIONS))
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
        """True if these are images, and large enough for the convolutions."""
        side = min(observation_shape[:2]) if len(observation_shape) == 3 else 0
        for _, k, stride in CONVOLUTIONS[self.convolutions]:
            side = output_side(side, k, stride) if side >= k else 0
        return side > 0

    def build(self, observation_shape: tuple[int, ...], heads: dict[str, int]) -> Chain:
        """Return the network for these observations, with a branch of the given width for each head."""
        init, head_init = INITIALIZERS[self.body_init], INITIALIZERS[self.head_init]
        convolutions: dict[str, Conv2d | ReLU] = {}
        shape = observation_shape
        for number, (filters, k, stride) in enumerate(CONVOLUTIONS[self.convolutions], 1):
            if convolutions:
                convolutions[f"relu{number - 1}"] = ReLU(shape)
            convolutions[f"conv{number}"] = conv = Conv2d(shape, filters, k, stride, init)
            shape = conv.output_shape
        top, Head = (self.cells, Dense) if self.recurrent else (self.dense, ReluDense)
        return Chain(
            pixels=PIXELS[self.pixels](observation_shape),
            **convolutions,
            dense=ReluDense(shape, self.dense, init),
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


class NetworkSettings(Protocol):
    """A frozen dataclass of hyper-parameters, and the network that they describe."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    def takes(self, observation_shape: tuple[int, ...]) -> bool:
        """True if the network is for observations of this shape."""

    def build(self, observation_shape: tuple[int, ...], heads: dict[str, int]) -> Network:
        """Return the network, with an output of the given width for each head, in this order."""


NETWORKS: dict[str, type[NetworkSettings]] = {"convolutional": Convolutional, "mlp": MLP}


def initial_parameters(network: Network, seed: np.random.SeedSequence) -> np.ndarray:
    """Draw theta (n,) float32 for a built network."""
    theta = Parameters(network.shapes)
    network.init(theta.tree, np.random.default_rng(seed))
    return theta.flat
