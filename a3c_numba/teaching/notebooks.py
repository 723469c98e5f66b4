"""Lessons as Jupyter notebooks, made from the programs themselves.

A notebook's cells are, in this order:

    the program's docstring                  as text
    imports and constants                    a cell for each block between blank lines
    each function                            a cell
    the docstring of ``main``                as text
    the arguments of ``main``                each set to its default
    the body of ``main``                     a cell for each block between blank lines
    the picture that the lesson saves

Processes that a lesson starts import its functions, and cannot import a notebook.  Such a lesson writes all that comes
before ``main`` to a module first, and imports it.
"""

import ast
import json
import re
import textwrap
from collections.abc import Iterator, Sequence
from itertools import groupby

Cell = dict[str, object]
METADATA = {"kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"}}


def notebook(source: str, name: str) -> str:
    """Return the notebook, JSON in Jupyter's format 4.5, of the program ``source``, whose file is ``name``.py."""
    tree, lines = ast.parse(source), source.splitlines()
    *head, main, _ = tree.body                                           # the last statement runs main
    assert isinstance(main, ast.FunctionDef)
    cells = [_text(_markdown(ast.get_docstring(tree) or ""))]
    if any(isinstance(node, ast.Import) and node.names[0].name == "multiprocessing" for node in head):
        cells += _module_cells("\n".join(lines[head[1].lineno - 1:main.lineno - 1]).rstrip(), f"lesson_{name}")
    else:
        cells += [_code(block) for block in _blocks(head[1:], lines)]
    cells.append(_text(ast.get_docstring(main) or ""))
    values = [f"{argument.arg} = {ast.get_source_segment(source, default)}"
              for argument, default in zip(main.args.args, main.args.defaults)]
    cells += [_code("\n".join(values))] if values else []
    cells += [_code(block) for block in _blocks(main.body[1:], lines)]
    cells.append(_code(f'from IPython.display import Image\n\nImage("{name}.png")'))
    numbered = [cell | {"id": f"cell-{number}"} for number, cell in enumerate(cells)]
    return json.dumps({"cells": numbered, "metadata": METADATA, "nbformat": 4, "nbformat_minor": 5}, indent=1) + "\n"


def _markdown(docstring: str) -> str:
    """Return a lesson's docstring with its first line as heading, and what is new, to notice and to try as a list."""
    return "# " + re.sub("^(New|Notice|Try): +", r"- **\1:** ", docstring, flags=re.MULTILINE)


def _module_cells(source: str, module: str) -> list[Cell]:
    """Return a cell that writes ``source`` to a file, and one that imports it, also after a change."""
    load = f"import importlib\n\nimport {module}\n\nimportlib.reload({module})\nfrom {module} import *"
    return [_text("The processes import this file.  After a change, run this cell and the next one again."),
            _code(f"%%writefile {module}.py\n{source}"), _code(load)]


def _blocks(nodes: Sequence[ast.stmt], lines: list[str]) -> Iterator[str]:
    """Yield the source of ``nodes``, divided at blank lines between them; comments are kept."""
    inside = {line for node in nodes for line in range(node.lineno, (node.end_lineno or 0) + 1)}
    for is_block, numbers in groupby(range(min(inside), max(inside) + 1),
                                     lambda number: number in inside or bool(lines[number - 1].strip())):
        if is_block:
            yield textwrap.dedent("\n".join(lines[number - 1] for number in numbers))


def _text(text: str) -> Cell:
    return {"cell_type": "markdown", "metadata": {}, "source": text}


def _code(source: str) -> Cell:
    return {"cell_type": "code", "metadata": {}, "source": source, "execution_count": None, "outputs": []}
