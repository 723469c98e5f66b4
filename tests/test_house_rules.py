"""The rules of the house, checked on the source: order of imports, docstrings, purity of kernels, names, sizes."""

import ast
import builtins
import importlib
import re
from pathlib import Path

import pytest

import a3c_numba

ROOT = Path(a3c_numba.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]
TESTS = sorted(Path(__file__).parent.rglob("test_*.py"))

# Who may import whom, besides its own files, the standard library and the packages that setup.cfg names.
BELOW = {"system", "fast_kernels", "validation", "core", "plots", "envs", "config", "evaluation", "runs", "training",
         "cluster", "agent"}
MAY_IMPORT = {
    "system": set(),                                                     # the machine; knows no reinforcement learning
    "fast_kernels": {"system"},                                          # the same sums as core's, faster
    "core": {"system", "fast_kernels"},                                  # the paper
    "validation": {"system"},                                            # ranges of the fields of settings
    "plots": {"system"},                                                 # arrays in, pictures out
    "envs": {"core.hyperparameters", "core.kernel", "system", "validation"},
    "config": {"core", "envs", "system", "validation"},
    "runs": {"core", "config", "envs.env_kwargs", "envs.names", "system"},          # what lies on disk
    "evaluation": {"core", "envs", "config", "runs", "plots", "system", "validation"},
    "training": {"core", "envs", "config", "runs", "system", "validation"},         # processes
    "cluster": {"core", "envs", "config", "runs", "training", "system", "validation"},        # several machines
    "agent": BELOW,
    "studies": BELOW, "diagnostics": BELOW, "teaching": BELOW, "report": BELOW,     # never each other
    "cli": BELOW | {"studies", "diagnostics", "teaching", "report"},     # and nothing imports cli
}
# A module that stands in no folder -> the line of the table that speaks of it.
AT_TOP = {"validation": "validation", "config": "config", "own_parts": "config", "presets": "config",
          "hyperparameters_by_name": "config",
          "evaluation": "evaluation", "background_evaluation": "evaluation",
          "inference": "evaluation", "playback": "evaluation", "agent": "agent", "agent_training": "agent",
          "progress_bar": "agent", "trained_agents": "agent",
          "__init__": "agent", "__main__": "cli"}
# Imports that the table forbids and that are there for now, each with what it waits for.
EXCEPTIONS: dict[tuple[str, str], str] = {}

# What core may import that is no package of ours: nothing that knows of files, processes, or a whole environment.
CORE_MAY_IMPORT = {"numpy", "numba", "llvmlite", "gymnasium.spaces", "abc", "collections", "dataclasses", "enum",
                   "functools", "itertools", "math", "numbers", "time", "traceback", "typing", "warnings", "contextlib"}
FORBIDDEN = {"done", "utils", "util", "helpers", "helper", "manager"}
LINES = 250
NAME = 60                      # characters of a test's name
KERNELS_MAY_IMPORT = {"numpy", "math", "numba"}


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def module_of(path):
    """("envs", "toys") for envs/toys.py, ("envs",) for envs/__init__.py, ("__init__",) for the package's."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return parts[:-1] if len(parts) > 1 and parts[-1] == "__init__" else parts


def imported_by(path):
    """Modules of this package that a file imports, wherever in the file, as tuples of names."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            assert not any(alias.name.split(".")[0] == ROOT.name for alias in node.names), "imports here are relative"
        if not isinstance(node, ast.ImportFrom):
            continue
        assert node.level or (node.module or "").split(".")[0] != ROOT.name, "imports here are relative"
        if node.level:
            folder = path.parent
            for _ in range(node.level - 1):
                folder = folder.parent
            base = folder.relative_to(ROOT).parts + tuple((node.module or "").split(".") if node.module else ())
            for alias in node.names:
                yield resolved(base, alias.name)


def resolved(base, name):
    """The module that ``from base import name`` reads: base/name if there is such a file, else base itself."""
    below = ROOT.joinpath(*base, name)
    if below.with_suffix(".py").exists() or (below / "__init__.py").exists():
        return (*base, name)
    return base or ("__init__",)


def line_of(module):
    """The line of MAY_IMPORT that speaks of a module, by the folder that it is in."""
    return AT_TOP.get(module[0], module[0]) if len(module) == 1 else module[0]


def allowed(own, module):
    """Whether a line of the table lets a module be imported: it names the module's own line, or the module."""
    return {line_of(module), ".".join(module)} & (MAY_IMPORT[own] | {own})


FORBIDDEN_IMPORTS = {(".".join(module_of(path)), line_of(module)) for path in FILES for module in imported_by(path)
                     if not allowed(line_of(module_of(path)), module)}


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_file_has_its_place_in_the_table(path):
    assert line_of(module_of(path)) in MAY_IMPORT, "a new folder is one line in MAY_IMPORT"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_folder_imports_only_what_the_table_lets_it(path):
    own = ".".join(module_of(path))
    assert not {wrong for wrong in FORBIDDEN_IMPORTS if wrong[0] == own} - EXCEPTIONS.keys()


def test_no_exception_is_made_for_what_is_not_there():
    assert EXCEPTIONS.keys() <= FORBIDDEN_IMPORTS


def packages_imported_by(path):
    """What a file imports that is not ours: "numpy", or "gymnasium.spaces" where only that is imported."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and not node.level:
            yield node.module


def is_known_to_core(name):
    return {".".join(name.split(".")[:n + 1]) for n in range(name.count(".") + 1)} & CORE_MAY_IMPORT


def test_core_knows_no_file_no_process_and_no_whole_environment():
    wrong = {(".".join(module_of(path)), name) for path in FILES if module_of(path)[0] == "core"
             for name in packages_imported_by(path) if not is_known_to_core(name)}
    assert not wrong


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path)[0] != "cli"])
def test_nothing_but_the_command_line_parses_arguments(path):
    assert "argparse" not in set(packages_imported_by(path))


def test_no_imports_in_a_circle_inside_a_folder():
    wanted = {module_of(path): {module for module in imported_by(path) if module != module_of(path)} for path in FILES}
    settled = set()
    while len(settled) < len(wanted):
        free = {module for module, needs in wanted.items() if module not in settled and needs <= settled}
        assert free, f"in a circle: {sorted('.'.join(module) for module in set(wanted) - settled)}"
        settled |= free


def public_parts(tree, owner=None):
    """Classes, and functions of modules and of public classes, whose names do not begin with an underscore."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            yield owner, node
            if isinstance(node, ast.ClassDef):
                yield from public_parts(node, node)


def implements_a_protocol(path, owner, node):
    """Whether a method is one that a Protocol among the bases of its class has documented."""
    live = getattr(importlib.import_module(".".join((ROOT.name, *module_of(path)))), owner.name)
    return any(getattr(base, "_is_protocol", False) and node.name in vars(base) and vars(base)[node.name].__doc__
               for base in live.__mro__[1:])


def is_stub(node):
    """Whether it is a line of a Protocol, "def name(self) -> type: ...", of which the class's docstring speaks."""
    return isinstance(node.body[0], ast.Expr) and ast.unparse(node.body[0]) == "..."


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_everything_public_has_a_docstring_or_its_protocol_has(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree), "the module has none"
    missing = [(owner, node) for owner, node in public_parts(tree) if not ast.get_docstring(node)]
    assert not [node.name for owner, node in missing
                if owner is None or not is_stub(node) and not implements_a_protocol(path, owner, node)]


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path)[0] == "core"])
def test_all_of_core_but_kernels_is_annotated(path):
    """mypy is asked for it by setup.cfg only where a function is annotated in part."""
    tree = tree_of(path)
    inside = {inner for node in kernels_of(tree) for inner in ast.walk(node)}
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node not in inside]
    assert not [node.name for node in functions if node.returns is None]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


@pytest.mark.parametrize("path", TESTS, ids=[str(path.relative_to(ROOT.parent)) for path in TESTS])
def test_a_tests_name_has_at_most_60_characters(path):
    """Subject, condition, outcome."""
    functions = [node.name for node in ast.walk(tree_of(path)) if isinstance(node, ast.FunctionDef)]
    assert not [name for name in functions if name.startswith("test_") and len(name) > NAME]


def identifiers(tree):
    """Every name that a file gives to something."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            yield node.id
        elif isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            yield node.attr
        elif isinstance(node, ast.arg):
            yield node.arg
        elif isinstance(node, (ast.FunctionDef, ast.ClassDef)):
            yield from node.name.lower().split("_")


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_nothing_has_a_name_that_says_nothing(path):
    assert not FORBIDDEN & ({path.stem} | {name.lower() for name in identifiers(tree_of(path))})


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_no_class_inherits_more_than_one_level_deep(path):
    classes = {node.name: node for node in tree_of(path).body if isinstance(node, ast.ClassDef)}
    for node in classes.values():
        bases = [classes[base.id] for base in node.bases if isinstance(base, ast.Name) and base.id in classes]
        for base in bases:
            assert not any(isinstance(b, ast.Name) and b.id in classes for b in base.bases), node.name


def fields_set_from_outside(tree, owners):
    """Every assignment to a field of an object with one of these names: "trainer.callback", "run.trainer.callback"."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store):
            owner = node.value
            if (owner.attr if isinstance(owner, ast.Attribute) else getattr(owner, "id", "")) in owners:
                yield ast.unparse(node)


@pytest.mark.parametrize("folder", ["a3c_numba", "examples", "tests"])
def test_no_field_of_the_trainer_is_set_from_outside(folder):
    """What a run is made of is given to its constructor."""
    files = [*(ROOT.parent / folder).rglob("*.py")]
    assert files and not [(path.name, field) for path in files
                          for field in fields_set_from_outside(tree_of(path), {"trainer", "supervisor", "handle"})]


# Private names of others, each with what it is needed for.  The standard library's are not to be used at all.
PRIVATE = {("system.numba_cache", "_cache"): "Numba's njit(cache=True), with another class of cache",
           ("system.numba_cache", "_locator_classes"): "where Numba's cache may lie: not beside the package"}
PUBLIC = {"_fields", "_asdict", "_replace", "_exit"}     # documented names


def private_names_of_others(tree):
    """Every name with one underscore in front that is not of the file's own classes, nor of ``self``."""
    own = {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}
    attributes = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute)]
    own |= {node.attr for node in attributes if ast.unparse(node.value) == "self"}
    yield from (node.attr for node in attributes if node.attr not in own)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            yield from (alias.name for alias in node.names)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_no_private_name_of_another_package_is_used(path):
    """The standard library's included: another version of Python has others."""
    names = {name for name in private_names_of_others(tree_of(path)) if name.startswith("_") and name[1] != "_"}
    assert not {name for name in names - PUBLIC if (".".join(module_of(path)), name) not in PRIVATE}


def test_no_module_that_python_does_not_document_is_used():
    """Workers are started without the inner parts of multiprocessing."""
    wrong = {"forkserver", "heap", "popen_fork", "reduction", "resource_sharer", "resource_tracker", "spawn", "util"}
    for path in FILES:
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("multiprocessing"):
                assert not wrong & {*node.module.split("."), *(alias.name for alias in node.names)}, path


OPTION = re.compile(r"(?<![\w-])--[a-z]")
OF_OTHERS = {"system.shared_memory", "cluster.engine"}                   # docker's option, and Ray's


@pytest.mark.parametrize("path", [path for path in FILES if module_of(path)[0] not in ("cli", "teaching")])
def test_an_error_advises_no_option_to_a_python_program(path):
    """The command line's words are the third argument of an AdvisedError, which only the command line shows."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Raise) and isinstance(node.exc, ast.Call):
            for argument in node.exc.args[:2]:
                texts = [part.value for part in ast.walk(argument) if isinstance(part, ast.Constant)]
                found = [text for text in texts if OPTION.search(str(text))]
                assert not found or ".".join(module_of(path)) in OF_OTHERS


def kernels_of(tree, *names):
    """The functions of a file that wear the decorator, as a name or called."""
    names = names or ("kernel",)
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)
            and any(getattr(getattr(decorator, "func", decorator), "id", "") in names
                    for decorator in node.decorator_list)]


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_an_intrinsic_reads_nothing_of_another_file(path):
    """Its instructions are cached under its own file, like a kernel's."""
    tree = tree_of(path)
    foreign = {alias.asname or alias.name for node in tree.body if isinstance(node, ast.ImportFrom) and node.level
               for alias in node.names}
    for node in kernels_of(tree, "intrinsic"):
        assert not foreign & {name.id for name in ast.walk(node) if isinstance(name, ast.Name)}


KERNELS = {f"{name}:{node.name}": (path, node) for path, name in zip(FILES, IDS) for node in kernels_of(tree_of(path))}


def names_of_modules(tree):
    """What a file's imports from numpy, math and numba are called in it."""
    names = set()
    for node in tree.body:
        if isinstance(node, ast.Import):
            names |= {alias.asname or alias.name.split(".")[0] for alias in node.names
                      if alias.name.split(".")[0] in KERNELS_MAY_IMPORT}
        elif isinstance(node, ast.ImportFrom) and not node.level and node.module.split(".")[0] in KERNELS_MAY_IMPORT:
            names |= {alias.asname or alias.name for alias in node.names}
    return names


def defined_in(tree):
    """Kernels, intrinsics and constants of the file itself."""
    functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef) and node.decorator_list}
    constants = {name.id for node in tree.body if isinstance(node, ast.Assign) for name in ast.walk(node)
                 if isinstance(name, ast.Name) and isinstance(name.ctx, ast.Store) and name.id.isupper()}
    return functions | constants


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_uses_only_its_own_file_and_numpy(name):
    path, kernel = KERNELS[name]
    tree = tree_of(path)
    local = {node.arg for node in ast.walk(kernel) if isinstance(node, ast.arg)}
    local |= {node.id for node in ast.walk(kernel) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    used = {node.id for node in ast.walk(ast.Module(kernel.body, [])) if isinstance(node, ast.Name)
            and isinstance(node.ctx, ast.Load)}
    allowed = local | defined_in(tree) | names_of_modules(tree) | set(dir(builtins))
    assert used <= allowed, f"Numba's cache misses edits of {sorted(used - allowed)}"


ALLOCATES_OR_DRAWS = {"empty", "zeros", "ones", "full", "empty_like", "zeros_like", "ones_like", "full_like", "array",
                      "copy", "random", "concatenate", "stack", "append", "list", "dict"}


@pytest.mark.parametrize("name", KERNELS)
def test_a_kernel_allocates_and_draws_nothing_and_is_documented(name):
    _, kernel = KERNELS[name]
    assert ast.get_docstring(kernel)
    calls = [node.func for node in ast.walk(kernel) if isinstance(node, ast.Call)]
    names = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}
    attributes = {node.attr for node in ast.walk(kernel) if isinstance(node, ast.Attribute)}
    assert not ALLOCATES_OR_DRAWS & (names | attributes)
    assert not any(isinstance(node, (ast.List, ast.Dict, ast.ListComp)) for node in ast.walk(kernel))


def test_there_are_kernels_to_look_at():
    assert len(KERNELS) > 12
