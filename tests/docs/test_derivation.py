"""The page of derivations quotes the code: every quoted line is there, and every gradient's code is quoted."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

import a3c_numba
from a3c_numba.core.algorithms import A3C, OneStepQ
from a3c_numba.core.distributions import Categorical, Gaussian
from a3c_numba.core.distributions.gaussian import FLOOR

ROOT = Path(a3c_numba.__file__).parent
PAGE = (ROOT / "docs" / "derivation.md").read_text(encoding="utf-8")
QUOTES = re.findall(r"^- computed by: `([^`]+)`: `([^`]+)`$", PAGE, re.MULTILINE)
FOLDERS = ("core/layers", "core/distributions", "core/algorithms", "core/optimizers", "fast_kernels")


def code_of(path):
    """Line number -> the line without its comment and its indentation."""
    lines = path.read_text(encoding="utf-8").splitlines()
    return {number: re.sub(r"\s+# .*", "", line).strip() for number, line in enumerate(lines, 1)}


def functions_of(path):
    """Every function and method, and whether it wears the kernel's decorator."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef):
            yield node, any(getattr(decorator, "id", "") == "kernel" for decorator in node.decorator_list)


def called_by(node):
    return {call.func.id for call in ast.walk(node) if isinstance(call, ast.Call) and isinstance(call.func, ast.Name)}


def computes_a_gradient(node):
    """Whether its name says so, and it has a body: a Protocol's methods have docstrings only."""
    says_so = "backward" in node.name or "gradient" in node.name or node.name == "clip"
    return says_so and not (len(node.body) == 1 and ast.get_docstring(node))


def gradients():
    """(file, function) of all that forms a gradient or applies it, and of the kernels that it is made of.

    A kernel that the forward pass has already, such as an entropy, counts as forward.
    """
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).glob("*.py")):
            functions = list(functions_of(path))
            backward = [node for node, _ in functions if computes_a_gradient(node)]
            parts = set().union(*map(called_by, backward))
            others = set().union(*(called_by(node) for node, _ in functions if node not in backward))
            for node, is_kernel in functions:
                own = is_kernel and (folder == "core/optimizers" or node.name in parts - others)
                if node in backward or own:
                    yield path, node


GRADIENTS = {f"{path.relative_to(ROOT)}:{node.lineno} {node.name}": (path, node) for path, node in gradients()}


@pytest.mark.parametrize("file, line", QUOTES)
def test_every_quoted_line_is_a_line_of_that_file(file, line):
    assert line in code_of(ROOT / file).values()


@pytest.mark.parametrize("name", GRADIENTS)
def test_every_gradient_is_quoted(name):
    path, node = GRADIENTS[name]
    inside = {code for number, code in code_of(path).items() if node.lineno < number <= node.end_lineno}
    quoted = {line for file, line in QUOTES if ROOT / file == path}
    assert inside & quoted, f"{name} computes a gradient that derivation.md does not derive"


def test_what_has_to_be_quoted_is_found():
    """By the names that are known, so that the search above cannot come back empty."""
    found = {f"{path.stem}.{node.name}" for path, node in GRADIENTS.values()}
    assert found >= {
        "dense.backward", "relu_dense.rectified_backward", "relu.backward", "conv2d.add_patches", "conv2d.backward",
        "conv2d_tiled.backward_weight", "conv2d_tiled.backward_input",
        "input_scaling.backward", "lstm.cell_backward", "relu_dense.transposed_product", "lstm.add_outer_products",
        "lstm.backward", "containers.backward",
        "categorical.policy_gradient", "gaussian.policy_gradient", "a3c.loss_gradient", "value_based.loss_gradient",
        "base.clip", "base.square_norm", "rmsprop.update", "momentum_sgd.update"}


def test_no_mention_of_code_escapes_the_test():
    """A quote that is written a little differently would otherwise be checked by nobody."""
    assert PAGE.count("computed by") == len(QUOTES) > 50 and len(set(QUOTES)) == len(QUOTES)


def test_every_section_ends_in_code():
    sections = re.split(r"^## ", PAGE, flags=re.MULTILINE)[2:]           # the first says how to read the others
    assert len(sections) > 15 and all("- computed by: " in section for section in sections)


def difference(f, x, h=1e-6):
    """df/dx (n,) by central differences."""
    steps = h * np.eye(len(x))
    return np.array([(f(x + step) - f(x - step)) / (2 * h) for step in steps])


def test_the_pages_formulas_for_a_softmax():
    """As they are written there, in numpy, against differences and against the code."""
    z, A, beta, a = np.array([0.3, -1.2, 0.8, 0.1]), 1.7, 0.4, 2

    def pi(z):
        return np.exp(z) / np.exp(z).sum()

    def H(z):
        return -(pi(z) * np.log(pi(z))).sum()
    d_log_pi, d_H = (np.arange(4) == a) - pi(z), -pi(z) * (np.log(pi(z)) + H(z))
    np.testing.assert_allclose(difference(lambda z: np.log(pi(z)[a]), z), d_log_pi, atol=1e-8)
    np.testing.assert_allclose(difference(H, z), d_H, atol=1e-8)
    assert d_log_pi.sum() == pytest.approx(0, abs=1e-12) and pi(z) @ ((np.eye(4) - pi(z))) == pytest.approx(np.zeros(4))
    d_rows = Categorical(4).loss_gradient(z[None], np.array([a]), np.array([A]), beta)
    np.testing.assert_allclose(d_rows[0], -A * d_log_pi - beta * d_H, rtol=1e-12)


def test_the_pages_formulas_for_a_gaussian():
    row, a, A, beta = np.array([0.3, -0.6, 0.9]), np.array([1.1, -0.2]), -0.8, 0.3
    mu, y, d = row[:2], row[2], 2

    def v(y):
        return np.log(1 + np.exp(y)) + FLOOR

    def loss(row):
        log_pi = -((a - row[:2]) ** 2).sum() / (2 * v(row[2])) - d / 2 * np.log(2 * np.pi * v(row[2]))
        return -log_pi * A - beta * d / 2 * (np.log(2 * np.pi * v(row[2])) + 1)
    d_v = ((a - mu) ** 2).sum() / (2 * v(y) ** 2) - d / (2 * v(y))
    page = np.append(-A * (a - mu) / v(y), (-A * d_v - beta * d / (2 * v(y))) / (1 + np.exp(-y)))
    np.testing.assert_allclose(difference(loss, row), page, atol=1e-8)
    distribution = Gaussian(np.full(2, -1.0), np.ones(2))
    np.testing.assert_allclose(distribution.loss_gradient(row[None], a[None], np.array([A]), beta)[0], page, rtol=1e-10)


def test_the_pages_formulas_for_values():
    returns, V = np.array([1.0, -2.0]), np.array([[0.5], [0.25]])
    outputs, actions = (np.zeros((2, 3)), V), np.array([2, 0])
    _, d_V = A3C(value_weight=0.5).loss_gradient(Categorical(3), actions, returns, outputs)
    assert d_V[:, 0].tolist() == [-0.5, 2.25]                            # -2 c (R - V)
    Q = np.array([[3.0, 4.0, 0.5], [0.25, 5.0, 6.0]])
    d_q, = OneStepQ().loss_gradient(None, actions, returns, (Q,))
    assert d_q.tolist() == [[0, 0, -1.0], [4.5, 0, 0]]                   # -2 (R - Q) [a = a_t]


def test_the_first_rmsprop_step_is_ten_eta_for_a_large_gradient():
    from a3c_numba.core.optimizers import RMSProp
    theta, g, d, local = (np.zeros(1), np.zeros(1), np.full(1, 30.0), np.zeros(1))
    RMSProp(decay=0.99, epsilon=1e-6).update(theta, g, d, local, 7e-4)
    assert theta[0] == pytest.approx(-7e-3, rel=1e-4)
