"""The file that a learner gets, cut from the solution.

A solution has, at each place that a learner fills in:

    # <blank>
    # d_bias = ...                what stands there in the learner's file, as a comment
    # <answer>
    d_bias = d_y.sum(axis=0)
    # </blank>
"""

import re

BLANK = re.compile(r"^ *# <blank>\n((?: *# [^\n]*\n)*?) *# <answer>\n.*?^ *# </blank>\n", re.MULTILINE | re.DOTALL)
COMMENT = re.compile(r"^( *)# ", re.MULTILINE)


def blank_of(solution: str) -> str:
    """Return the text of a solution with every answer replaced by what stands in its blank."""
    return BLANK.sub(lambda found: COMMENT.sub(r"\1", found[1]), solution)
