"""A learner's file that cannot be run, or gives no arrays: a line or two about that file, and no traceback of ours."""

import re

import numpy as np
import pytest

from a3c_numba.teaching.exercises.case import Case
from a3c_numba.teaching.exercises.diagnosis import guess
from a3c_numba.teaching.exercises.learner_file import LearnerFile

from tests.teaching.exercises.grading import exercises, mistaken, put, text_of

HEAD = "import numpy as np\n\n\n"
DENSE = HEAD + "def dense_backward(x, weight, d_y):\n"

# the file, what is said of it; {line} is "FILE, line N"
BROKEN = [
    (DENSE + "    return x.T @ (d_y\n", ["line 5: return x.T @ (d_y", "SyntaxError: '(' was never closed"]),
    (DENSE + "return x\n", ["line 5: return x", "IndentationError: expected an indented block"]),
    (DENSE + "    y = x\n    return y @ d_y @ weight\n", ["line 6: return y @ d_y @ weight", "ValueError: matmul"]),
    (DENSE + "    return d_wieght\n", ["line 5: return d_wieght", "NameError: name 'd_wieght' is not defined"]),
    (DENSE + "    return inner(x)\n\n\ndef inner(x):\n    return x.nothing\n",
     ["line 9: return x.nothing", "AttributeError"]),
    (DENSE + "    return np.linalg.inv(x[:1])\n", ["line 5: return np.linalg.inv(x[:1])", "LinAlgError"]),
    (DENSE + "    return dense_backward(x, weight, d_y)\n", ["line 5: return dense_backward", "RecursionError"]),
    (HEAD + "import no_such_module\n", ["line 4: import no_such_module", "ModuleNotFoundError"]),
    (DENSE + "    raise SystemExit\n", ["line 5: raise SystemExit", "SystemExit"]),
    (HEAD + "quit = 1 / 0\n", ["line 4: quit = 1 / 0", "ZeroDivisionError: division by zero"]),
    (HEAD, ["has no function dense_backward(x, weight, d_y)"]),
    (HEAD + "dense_backward = 3\n", ["has no function dense_backward(x, weight, d_y)"]),
    (HEAD + "def dense_backward(x):\n    return x\n", ["cannot call dense_backward(x, weight, d_y): TypeError",
                                                       "takes 1 positional argument but 3 were given"]),
    (DENSE + "    return x, weight\n", ["should return 3 arrays, d_weight, d_bias, d_x; it gave 2"]),
    (DENSE + "    return x\n", ["should return 3 arrays, d_weight, d_bias, d_x; it gave one object"]),
    (DENSE + "    return 'x', x, x\n", ["d_weight is not an array of real numbers but a str: 'x'"]),
    (DENSE + "    return [[1], [1, 2]], x, x\n",
     ["d_weight is not an array of real numbers but a list: [[1], [1, 2]]"]),
    (DENSE + "    return 1j * x, x, x\n", ["d_weight is not an array of real numbers but a ndarray"]),
]
STILL_BLANK = [
    (DENSE + "    x = 1\n", ["dense_backward returns nothing: let it end with return d_weight, d_bias, d_x"]),
    (DENSE + "    return ...\n", ["dense_backward should return 3 arrays"]),
    (DENSE + "    return None, x, x\n", ["d_weight is still a blank (None)"]),
    (DENSE + "    return x.T @ d_y, ..., ...\n", ["d_bias is still a blank (...)", "right so far: d_weight"]),
    (DENSE + "    return x * ..., x, x\n", ["line 5 uses a blank (...) that is not filled in yet"]),
]


def check(number, folder, capsys):
    """Exit code, and what was printed."""
    code = exercises("check", number, "--folder", folder)
    printed = capsys.readouterr()
    assert printed.err == "" and "Traceback" not in printed.out and "learner_file" not in printed.out
    return code, printed.out


@pytest.mark.parametrize("text, messages", BROKEN)
def test_what_is_broken_is_reported(text, messages, tmp_path, capsys):
    put(tmp_path, 1, text)
    code, out = check(1, tmp_path, capsys)
    assert code == 1 and out.splitlines()[0].endswith(": wrong")
    assert all(message in out for message in messages), out
    assert len([line for line in out.split("the case:")[0].splitlines() if line.strip()]) <= 3


def test_a_function_that_fails_is_shown_with_what_it_was_given(tmp_path, capsys):
    """Matrices that do not fit: the learner sees their shapes."""
    put(tmp_path, 1, DENSE + "    return x @ d_y, d_y.sum(axis=0), d_y @ weight\n")
    code, out = check(1, tmp_path, capsys)
    assert code == 1 and "ValueError: matmul" in out
    assert re.search(r"the case:\n +x = \[\[.*\n +weight = \[\[.*\n +d_y = \[\[", out), out


@pytest.mark.parametrize("text, messages", STILL_BLANK)
def test_what_is_blank_is_reported_as_blank(text, messages, tmp_path, capsys):
    put(tmp_path, 1, text)
    code, out = check(1, tmp_path, capsys)
    assert code == 1 and out.splitlines()[0].endswith(": blank")
    assert all(message in out for message in messages), out
    assert "Error" not in out


@pytest.mark.parametrize("source", [b"x = 1\0\n", b"x = '\xff'\n"])
def test_a_file_that_is_no_text(source, tmp_path, capsys):
    put(tmp_path, 1, "").write_bytes(source)
    code, out = check(1, tmp_path, capsys)
    assert code == 1 and "Error: " in out


def test_ctrl_c_gets_through(tmp_path):
    put(tmp_path, 1, DENSE + "    raise KeyboardInterrupt\n")
    with pytest.raises(KeyboardInterrupt):
        exercises("check", 1, "--folder", tmp_path)


def test_functions_that_are_right_are_listed(tmp_path, capsys):
    put(tmp_path, 1, mistaken(1, "return d_weight, d_bias, d_h * (x > 0)", "raise NotImplementedError"))
    code, out = check(1, tmp_path, capsys)
    assert code == 1 and "right so far: dense_backward\n" in out


def test_lists_and_whole_numbers_are_numbers_too(tmp_path, capsys):
    put(tmp_path, 4, mistaken(4, "return returns", "return list(returns)"))
    put(tmp_path, 10, mistaken(10, "return theta, np.array(", "return int(theta), list("))
    assert check(4, tmp_path, capsys)[0] == 0 and check(10, tmp_path, capsys)[0] == 0


def test_a_file_is_read_anew_and_leaves_nothing_behind(tmp_path, capsys):
    put(tmp_path, 4, text_of("blanks", 4))
    assert check(4, tmp_path, capsys)[0] == 1
    put(tmp_path, 4, text_of("solutions", 4))
    assert check(4, tmp_path, capsys)[0] == 0
    assert [path.name for path in tmp_path.iterdir()] == ["04_returns.py"]


def test_what_the_file_does_to_its_inputs_stays_there(tmp_path, capsys):
    put(tmp_path, 1, mistaken(1, "    d_weight = x.T @ d_y", "    x[:] = 0\n    d_weight = x.T @ d_y"))
    code, out = check(1, tmp_path, capsys)
    assert code == 1 and "x = [[1.0, 2.0], [3.0, -1.0]]" in out


def test_overflow_is_named_without_a_warning(tmp_path, capsys, recwarn):
    put(tmp_path, 3, mistaken(3, "logits - logits.max(axis=1, keepdims=True)", "logits"))
    code, out = check(3, tmp_path, capsys)
    assert code == 1 and "found nan" in out and "hint: a number is not finite" in out
    assert not [one for one in recwarn if issubclass(one.category, RuntimeWarning)]      # NumPy's; others may occur


def test_the_line_is_the_innermost_of_the_learners(tmp_path):
    path = put(tmp_path, 1, HEAD + "def inner(x):\n    return np.linalg.inv(x)\n\n\ndef f(x):\n    return inner(x)\n")
    with pytest.raises(Exception, match=re.escape(f"{path}, line 5: return np.linalg.inv(x)")):
        LearnerFile(path).answer(Case("f", {"x": np.zeros((1, 2))}, {}, {}))


EXPECTED = np.array([[1.0, 2, 4], [3, 5, -6], [7, 8, 10]])


@pytest.mark.parametrize("found, words", [
    (-EXPECTED, "wrong sign"), (EXPECTED.T, "transposed"), (EXPECTED[::-1], "backwards"),
    (EXPECTED / 3, "0.333333 times"), (EXPECTED - 0.5, "0.5 too small"), (EXPECTED + 2, "2 too large"),
    (EXPECTED * np.inf, "not finite"),
])
def test_typical_mistakes_are_guessed(found, words):
    assert words in guess(EXPECTED, found)


def test_nothing_is_guessed_from_too_little():
    assert guess(EXPECTED, EXPECTED ** 2) is None
    assert guess(np.array([2.0]), np.array([3.0])) is None
    assert guess(np.array([2.0, 4.0]), np.array([3.0, 6.0])) is None     # two numbers are no pattern
    assert guess(EXPECTED, np.zeros((3, 3))) is None
