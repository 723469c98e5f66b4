"""The rules of the house, checked on the source: order of imports, docstrings, purity of kernels, names, sizes."""

import ast
import builtins
from pathlib import Path

import pytest

import a3c_numba

ROOT = Path(a3c_numba.__file__).parent
FILES = sorted(ROOT.rglob("*.py"))
IDS = [str(path.relative_to(ROOT)) for path in FILES]

# Lowest first; a file, or a folder, imports only from what stands before it.  A folder of which nothing is named
# below stands for all of its files.
ORDER = [
    "core", "system", "runs", "training", "studies", "diagnostics", "teaching", "teaching.race", "system.atomic_file",
    "system.cores", "core.kernel", "system.atomic_counter", "system.subnormals", "core.hyperparameters",
    "core.parameters", "core.gradient", "core.schedules", "core.returns", "core.distributions", "core.layers",
    "core.optimizers", "plots", "envs", "core.networks", "core.incoming", "core.rollout", "core.target_network",
    "core.algorithms", "config", "core.inference", "presets", "system.shared_memory", "core.shared", "core.worker",
    "training.preload", "system.signals", "system.worker_server", "evaluation", "runs.npz", "runs.checkpoint_schema",
    "runs.checkpoint", "runs.csv_log", "system.directory_lock", "runs.run_folder", "training.progress_tracker",
    "training.progress_bar", "diagnostics.gradient_check", "training.limits", "runs.checkpointer",
    "training.message_reader", "training.worker_handle", "training.heartbeat", "training.supervisor",
    "training.trainer", "agent", "__init__", "studies.flops", "studies.bench", "studies.study", "studies.sweep",
    "studies.speedup", "playback", "cli.hyperparameter_options", "report", "diagnostics.trace", "teaching.exercises",
    "teaching.bugs", "teaching.race.recorder", "teaching.race.figures", "diagnostics.saliency", "diagnostics.portrait",
    "cli.train", "cli.commands", "cli.parser", "cli.main", "__main__", "cli",
]
FORBIDDEN = {"done", "utils", "util", "helpers", "helper", "manager"}
LINES = 250
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


def place_of(module):
    """The entry of ORDER that speaks of a module: its own, or that of the nearest folder around it."""
    names = [".".join(module[:n]) for n in range(len(module), 0, -1)]
    return next((name for name in names if name in ORDER), None)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_every_file_has_its_place_in_the_order(path):
    assert place_of(module_of(path)), "a new file or folder is one line in ORDER"


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_a_file_imports_only_from_what_stands_before_it(path):
    own = place_of(module_of(path))
    for module in imported_by(path):
        if place_of(module) != own:
            assert ORDER.index(place_of(module)) < ORDER.index(own), f"{'.'.join(module)} stands above {own}"


def test_no_imports_in_a_circle_inside_a_folder():
    wanted = {module_of(path): {module for module in imported_by(path) if module != module_of(path)} for path in FILES}
    settled = set()
    while len(settled) < len(wanted):
        free = {module for module, needs in wanted.items() if module not in settled and needs <= settled}
        assert free, f"in a circle: {sorted('.'.join(module) for module in set(wanted) - settled)}"
        settled |= free


def public_parts(tree):
    """Classes, and functions of modules and of public classes, whose names do not begin with an underscore."""
    for node in tree.body:
        if isinstance(node, (ast.ClassDef, ast.FunctionDef)) and not node.name.startswith("_"):
            yield node
            if isinstance(node, ast.ClassDef):
                yield from public_parts(node)


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_everything_public_has_a_docstring(path):
    tree = tree_of(path)
    assert ast.get_docstring(tree), "the module has none"
    missing = [node.name for node in public_parts(tree) if not ast.get_docstring(node)]
    assert not missing


@pytest.mark.parametrize("path", FILES, ids=IDS)
def test_files_are_short(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LINES


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


def kernels_of(tree):
    """The functions of a file that wear the decorator."""
    return [node for node in tree.body if isinstance(node, ast.FunctionDef)
            and any(isinstance(decorator, ast.Name) and decorator.id == "kernel" for decorator in node.decorator_list)]


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
def test_a_kernel_allocates_nothing_draws_nothing_and_says_what_it_does(name):
    _, kernel = KERNELS[name]
    assert ast.get_docstring(kernel)
    calls = [node.func for node in ast.walk(kernel) if isinstance(node, ast.Call)]
    names = {func.attr if isinstance(func, ast.Attribute) else getattr(func, "id", "") for func in calls}
    attributes = {node.attr for node in ast.walk(kernel) if isinstance(node, ast.Attribute)}
    assert not ALLOCATES_OR_DRAWS & (names | attributes)
    assert not any(isinstance(node, (ast.List, ast.Dict, ast.ListComp)) for node in ast.walk(kernel))


def test_there_are_kernels_to_look_at():
    assert len(KERNELS) > 12
