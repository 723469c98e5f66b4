"""The exercises, in teaching order: layers, policy, returns, optimiser, then those that build on them.

A learner's file is cut from the solution, which has, at each place that a learner fills in:

    # <blank>
    # d_bias = ...                what stands there in the learner's file, as a comment
    # <answer>
    d_bias = d_y.sum(axis=0)
    # </blank>
"""

import re
from importlib import resources
from typing import Callable, Iterator, NamedTuple

import numpy as np

from . import layer_cases, policy_cases, return_cases, solutions, update_cases
from .case import Case

BLANK = re.compile(r"^ *# <blank>\n((?: *# [^\n]*\n)*?) *# <answer>\n.*?^ *# </blank>\n", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^( *)# ", re.MULTILINE)


class Exercise(NamedTuple):
    """A file with blanks, and the cases that grade it."""

    number: int
    title: str
    file: str
    draw: Callable[[np.random.Generator], Iterator[Case]]

    def solution(self) -> str:
        """Return the text of the solved file, with the markers of its blanks."""
        return resources.files(solutions).joinpath(self.file).read_text(encoding="utf-8")

    def blank(self) -> str:
        """Return the text of the file that a learner starts with."""
        return BLANK.sub(lambda found: COMMENT.sub(r"\1", found[1]), self.solution())

    def cases(self) -> Iterator[Case]:
        """Yield the same cases every time, so that a wrong number can be found again."""
        return self.draw(np.random.default_rng(self.number))


EXERCISES = {exercise.number: exercise for exercise in (
    Exercise(1, "a dense layer backwards, then with a ReLU", "01_dense.py", layer_cases.dense),
    Exercise(2, "a convolution backwards", "02_conv2d.py", layer_cases.conv2d),
    Exercise(3, "the gradient of a softmax policy with entropy", "03_softmax.py", policy_cases.softmax),
    Exercise(4, "the n-step return", "04_returns.py", return_cases.n_step),
    Exercise(5, "the targets of the four methods", "05_targets.py", return_cases.targets),
    Exercise(6, "a step of RMSProp", "06_rmsprop.py", update_cases.rmsprop),
    Exercise(7, "the log-probability of a Gaussian policy", "07_gaussian.py", policy_cases.gaussian),
    Exercise(8, "an LSTM cell backwards", "08_lstm.py", layer_cases.lstm),
    Exercise(9, "generalised advantages", "09_lambda_returns.py", return_cases.generalised),
    Exercise(10, "the update that is lost", "10_lost_update.py", update_cases.lost_update),
)}
