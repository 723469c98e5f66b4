"""Solutions are right, blanks are not, and typical mistakes are found, with array, shape and index."""

import ast
import re
import runpy

import numpy as np
import pytest

from a3c_numba.teaching.exercises.menu import EXERCISES

from tests.teaching.exercises.grading import exercises, mistaken, put, text_of

NUMBERS = list(EXERCISES)

# exercise, what the solution says, the mistake, the array that is wrong
MISTAKES = [
    (1, "x.T @ d_y", "-x.T @ d_y", "d_weight"),                                          # sign
    (1, "x.T @ d_y", "x.T @ d_y / len(x)", "d_weight"),                                  # mean, not sum
    (1, "d_y @ weight.T", "d_y @ weight.T * (x > 0)", "d_x"),                            # a ReLU where none is
    (1, "dense_backward(np.maximum(x, 0), weight", "dense_backward(x, weight", "d_weight"),    # forgotten ReLU
    (1, "d_h * (x > 0)", "d_h", "d_x"),
    (1, "d_h * (x > 0)", "d_h * (x >= 0)", "d_x"),                                       # only the corner tells
    (2, "+= d_P[a, b]", "= d_P[a, b]", "d_x"),                                           # copies not summed
    (2, "+= d_P[a, b]", "+= d_P[a, b].transpose(1, 0, 2)", "d_x"),                       # rows for columns
    (2, "P.T @ d_rows", "P.T @ d_y.transpose(1, 0, 2).reshape(h * w, -1)", "d_weight"),
    (3, "- beta * d_H", "+ beta * d_H", "d_logits"),                                     # sign of the entropy
    (3, "- beta * d_H", "", "d_logits"),                                                 # forgotten
    (3, "-advantages[:, None] * d_log_pi", "advantages[:, None] * d_log_pi", "d_logits"),
    (3, "logits - logits.max(axis=1, keepdims=True)", "logits", "d_logits"),             # overflow
    (3, "(log_pi + H)", "(log_pi + 1)", "d_logits"),
    (4, "reversed(range(len(rewards)))", "range(len(rewards))", "returns"),              # forwards
    (4, "R = bootstrap_value", "R = 0.0", "returns"),                                    # forgotten
    (4, "rewards[t] + discounts[t] * R", "discounts[t] * (rewards[t] + R)", "returns"),
    (5, "q[1:].max(axis=1)", "q[:-1].max(axis=1)", "targets"),                           # off by one
    (5, "np.arange(1, len(q)), next", "np.arange(len(q) - 1), next", "targets"),
    (5, "q[np.arange(1, len(q)), next_actions]", "q[1:].max(axis=1)", "targets"),        # Q-learning for Sarsa
    (5, "q.max(axis=1))", "q.mean(axis=1))", "targets"),
    (5, "values[-1]\n", "values[-2]\n", "targets"),
    (5, "rewards[t] + discounts[t] * R", "rewards[t] + discounts[0] * R", "targets"),    # through the end
    (6, "np.sqrt(new_g + epsilon)", "np.sqrt(g + epsilon)", "new_theta"),                    # the old g
    (6, "np.sqrt(new_g + epsilon)", "(np.sqrt(new_g) + epsilon)", "new_theta"),              # epsilon outside
    (6, "theta - eta * d", "theta + eta * d", "new_theta"),
    (6, "d ** 2", "d", "new_g"),                                                             # forgotten square
    (7, "n / 2 * np.log(2", "1 / 2 * np.log(2", "log_pi"),                               # forgotten n
    (7, "-square / (2 * v)", "-square / v", "log_pi"),
    (7, "- n / (2 * v)", "+ n / (2 * v)", "d_rows"),
    (7, "d_v / (1 + np.exp(-y))", "d_v", "d_rows"),                                      # forgotten chain
    (7, "away / v[:, None]", "-away / v[:, None]", "d_rows"),
    (8, "d_c = d_c + d_h", "d_c = d_h", "d_z_i"),                                        # nothing from the future
    (8, "d_c * c_before * f * (1 - f)", "d_c * c * f * (1 - f)", "d_z_f"),               # one step too late
    (8, "d_h * tanh_c * o * (1 - o)", "d_c * tanh_c * o * (1 - o)", "d_z_o"),
    (8, "(1 - g ** 2)", "g * (1 - g)", "d_z_g"),                                         # tanh is not logistic
    (8, "d_c_before = d_c * f", "d_c_before = d_c * i", "d_c_before"),
    (9, "discounts[t] * lambda_ * A", "lambda_ * A", "advantages"),                      # forgotten discount
    (9, "values[1:] - values[:-1]", "values[:-1] - values[1:]", "advantages"),
    (9, "advantages + values[:-1]", "advantages + values[1:]", "returns"),               # off by one
    (10, "before + steps[k], others | {k}", "theta + steps[k], others | {k}", "theta"),  # as if atomic
    (10, "before + steps[k], others | {k}", "before + steps[k], inside | {k}", "lost"),
    (10, "k not in inside", "k in inside", "lost"),
]
SHAPES = [                     # what the learner returns in another shape, and the two shapes
    (1, "x.T @ d_y", "d_y.T @ x", "d_weight has shape (3, 2), expected (2, 3)"),
    (1, "d_y.sum(axis=0)", "d_y.sum()", "d_bias has shape (), expected (3,)"),
    (2, "d_rows.sum(axis=0)", "d_rows.sum(axis=1)", "d_bias has shape (4,), expected (1,)"),
    (3, "return -advantages[:, None] * d_log_pi - beta * d_H", "return (-advantages[:, None] * d_log_pi).sum(axis=1)",
     "d_logits has shape (2,), expected (2, 2)"),
    (4, "return returns", "return returns[:-1]", "returns has shape (2,), expected (3,)"),
    (10, "for k in range(len(steps))", "for k in range(1, len(steps))", "lost has shape (1,), expected (2,)"),
]


@pytest.mark.parametrize("number", NUMBERS)
def test_the_solution_is_right(number, tmp_path, capsys):
    put(tmp_path, number, text_of("solutions", number))
    assert exercises("check", number, "--folder", tmp_path) == 0
    first, second = capsys.readouterr().out.splitlines()
    assert first.endswith(": right") and re.search(r"\d+ cases agree", second)


@pytest.mark.parametrize("number", NUMBERS)
def test_the_blank_is_graded_blank(number, tmp_path, capsys):
    put(tmp_path, number, text_of("blanks", number))
    assert exercises("check", number, "--folder", tmp_path) == 1
    first, *rest = capsys.readouterr().out.splitlines()
    assert first.endswith(": blank")
    assert len(rest) == 1 and "blank" in rest[0] and "Error" not in rest[0]


def test_every_exercise_has_two_mistakes():
    assert all(sum(mistake[0] == number for mistake in MISTAKES) >= 2 for number in NUMBERS)


@pytest.mark.parametrize("number, right, wrong, array", MISTAKES)
def test_a_mistake_is_found_and_placed(number, right, wrong, array, tmp_path, capsys):
    put(tmp_path, number, mistaken(number, right, wrong))
    assert exercises("check", number, "--folder", tmp_path) == 1
    out = capsys.readouterr().out
    place = re.search(rf"{array}, shape (\(.*?\)) as expected, differs in (\d+) of (\d+) numbers\n"
                      rf"  the first is {array}(\[[\d, ]+\])?: found (\S+), expected (\S+)\n  hint: \S", out)
    assert place, out
    shape, differing, size, index, found, expected = place.groups()
    shape = ast.literal_eval(shape)
    index = tuple(ast.literal_eval(index or "[]"))
    assert len(index) == len(shape) and all(i < side for i, side in zip(index, shape))
    assert 1 <= int(differing) <= int(size) == np.prod(shape, dtype=int)
    assert found != expected
    assert "Traceback" not in out


@pytest.mark.parametrize("number, right, wrong, message", SHAPES)
def test_another_shape_is_named(number, right, wrong, message, tmp_path, capsys):
    put(tmp_path, number, mistaken(number, right, wrong))
    assert exercises("check", number, "--folder", tmp_path) == 1
    out = capsys.readouterr().out
    assert message in out and "hint: " in out


def test_the_first_difference_by_hand(tmp_path, capsys):
    # d_y = [[1, 2, 0], [0, -1, 4]] has the sums [1, 1, 4]
    put(tmp_path, 1, mistaken(1, "d_y.sum(axis=0)", "d_y.sum(axis=0) + np.array([0, 0, 0.5])"))
    assert exercises("check", 1, "--folder", tmp_path) == 1
    out = capsys.readouterr().out
    assert "dense_backward: d_bias, shape (3,) as expected, differs in 1 of 3 numbers" in out
    assert "the first is d_bias[2]: found 4.5, expected 4\n" in out
    assert "right so far: d_weight\n" in out
    assert "d_y = [[1.0, 2.0, 0.0], [0.0, -1.0, 4.0]]" in out                # small enough to be worked by hand


@pytest.mark.parametrize("number", NUMBERS)
def test_blank_and_solution_are_one_file_but_for_the_bodies(number):
    blank, solution = (ast.parse(text_of(kind, number)) for kind in ("blanks", "solutions"))
    assert ast.get_docstring(blank) == ast.get_docstring(solution)
    functions = [{node.name: (ast.dump(node.args), ast.get_docstring(node)) for node in tree.body
                  if isinstance(node, ast.FunctionDef)} for tree in (blank, solution)]
    assert functions[0] == functions[1]
    assert all(docstring for _, docstring in functions[0].values())
    assert ast.dump(blank.body[-1]) == ast.dump(solution.body[-1])       # what it does when it is run alone


@pytest.mark.parametrize("number", NUMBERS)
def test_a_blank_has_no_answer_and_no_marker(number):
    blank, solution = (text_of(kind, number) for kind in ("blanks", "solutions"))
    answers = [part.partition("# </blank>")[0] for part in solution.split("# <answer>\n")[1:]]
    lines = [line.strip() for answer in answers for line in answer.splitlines() if line.strip()]
    assert answers and lines and len(answers) == solution.count("# <blank>") == solution.count("# </blank>")
    assert not [line for line in lines if line in blank]
    assert not re.search("</?(blank|answer)>", blank)
    assert {"...", "raise NotImplementedError"} & set(re.findall(r"\.\.\.$|raise NotImplementedError", blank, re.M))


@pytest.mark.parametrize("number", NUMBERS)
def test_a_blank_says_what_it_is_about(number):
    tree = ast.parse(text_of("blanks", number))
    lines = ast.get_docstring(tree).splitlines()
    assert lines[0].startswith(f"Exercise {number}: ") and 5 <= len(lines) <= 15
    assert "a3c_numba/" in ast.get_docstring(tree)                       # where the real one is
    assert any("Hint: " in (ast.get_docstring(node) or "") for node in tree.body if isinstance(node, ast.FunctionDef))
    assert {alias.name for node in tree.body if isinstance(node, ast.Import) for alias in node.names} == {"numpy"}


BY_HAND = {1: "2. 4. 2. 6. 8.", 2: "70. 30. 50. 0. 100.", 3: "-1. 1.", 4: "2.5 3. 6.", 5: "4. 4.", 6: "12. 0.9",
           8: "0.125 -0.125 0. 0.375 0.5", 9: "1. 0. 3. 4.", 10: "6.0"}


@pytest.mark.parametrize("number", NUMBERS)
def test_a_solution_run_alone_prints_what_its_comment_says(number, tmp_path, capsys):
    runpy.run_path(str(put(tmp_path, number, text_of("solutions", number))), run_name="__main__")
    out = capsys.readouterr().out
    numbers = re.findall(r"(?<![a-z\d])-?\d+\.\d*", out)
    if number == 7:                                                      # nothing pulls at mu, v should be smaller
        assert float(numbers[0]) == 0 and float(numbers[1]) < 0
    else:
        assert numbers == BY_HAND[number].split()
    assert number != 10 or "[False,  True]" in out


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_expected_is_finite_and_the_same_every_time(number):
    first, second = (list(EXERCISES[number].cases()) for _ in range(2))
    assert len(first) == len(second) >= 4
    for one, other in zip(first, second):
        assert list(one.hints) == list(one.expected)
        for name, expected in one.expected.items():
            assert np.isfinite(expected).all()
            np.testing.assert_array_equal(expected, other.expected[name])
