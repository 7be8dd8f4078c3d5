"""The project keeps its shape: one-way imports, nothing done by importing, documented, typed, short."""

import json
import os
import re
import shutil
import subprocess
import sys
from functools import cache

import layers
import pytest
from places import PACKAGE, ROOT, TESTS

RULES = (layers.upward, layers.cycles, layers.misplaced, layers.undocumented, layers.untyped)

# What must not be loaded by importing a module: slow, or of another layer.
HEAVY = "matplotlib torchvision sklearn skimage ipywidgets IPython"
PROBE = """
import importlib, json, os, random, sys
import numpy, torch

def state():
    d = torch.distributions.Distribution
    now = {
        "seed": torch.initial_seed(), "torch": torch.get_rng_state().tolist(),
        "numpy": numpy.random.get_state()[1].tolist(), "random": random.getstate(),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "dtype": str(torch.get_default_dtype()), "device": str(torch.get_default_device()),
        "grad": (torch.is_grad_enabled(), torch.is_anomaly_enabled()),
        "deterministic": (torch.are_deterministic_algorithms_enabled(), torch.backends.cudnn.deterministic,
                          torch.backends.cudnn.benchmark, torch.get_float32_matmul_precision()),
        "validation": d._validate_args, "folder": os.getcwd(), "path": list(sys.path),
        # joblib and scikit-learn, once imported, set defaults of Intel's OpenMP: not the course's doing
        "environment": {k: v for k, v in os.environ.items() if not k.startswith("KMP_")}}
    if "matplotlib" in sys.modules:
        m = sys.modules["matplotlib"]
        now["style"] = {k: str(v) for k, v in m.rcParams.items() if not k.startswith("backend")}
    return now

heavy, found = sys.argv[1].split(), {}
for name in sys.argv[2:]:
    before, loaded = state(), set(sys.modules)
    importlib.import_module(name)
    after = state()
    changed = [key for key in before if before[key] != after[key]]
    if "style" in after and "style" not in before:
        original = {k: str(v) for k, v in sys.modules["matplotlib"].rcParamsOrig.items()}
        changed += ["style"] * any(original[k] != v for k, v in after["style"].items())
    found[name] = changed + [h for h in heavy if h in set(sys.modules) - loaded]
print(json.dumps(found))
"""


def effects(root, names):
    """What importing these modules changed or loaded, one after the other in one new Python."""
    line = [sys.executable, "-c", PROBE, HEAVY, *names]
    run = subprocess.run(line, cwd=root, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return {name: what for name, what in json.loads(run.stdout).items() if what}


@cache
def as_it_is(rule):
    return rule(PACKAGE)


@pytest.mark.parametrize("rule", RULES)
def test_the_package_keeps(rule):
    assert as_it_is(rule) == []


def test_no_notebook_imports_a_tool(tmp_path):
    assert layers.of_tools(ROOT / "notebooks") == []
    planted = {
        "04_a": "from course_utils import scoreboard",
        "05_b": "def f():\n    import course_utils.classroom.marking",
        "06_c": "from course_utils.environment import report",
        "00_start_here": "from course_utils.environment import report",
        "07_d": "from course_utils.evaluation import load",
    }
    for name, source in planted.items():
        cells = [{"cell_type": "code", "source": source}, {"cell_type": "markdown", "source": "import"}]
        (tmp_path / f"{name}.ipynb").write_text(json.dumps({"cells": cells}))
    assert [line[:2] for line in layers.of_tools(tmp_path)] == ["04", "05", "06"]


def test_files_and_functions_are_short():
    assert layers.too_long(PACKAGE, ROOT / "tests", ROOT / ".ci") == []


def test_every_layer_is_named_once():
    names = " ".join(layers.LAYERS.values()).split()
    assert len(names) == len(set(names))


@pytest.mark.slow
def test_importing_has_no_side_effects():
    def drawing(name):  # what draws comes last, so that what it loads is not laid to the others
        return layers.unit(name) in {"plots", "explorers", "exercises", "scoreboard"}

    names = sorted((name for name in layers.modules(PACKAGE) if "__main__" not in name), key=drawing)
    found = effects(ROOT, names)
    wrong = {
        name: what for name, what in found.items() if not drawing(name) or set(what) - set(HEAVY.split())
    }
    assert wrong == {}
    assert "torchvision" not in str(found)


@pytest.mark.slow
def test_side_effects_are_noticed(tmp_path):
    planted = {
        "a": ("import torch; torch.manual_seed(1)", ["seed", "torch"]),
        "b": ("import torch; torch.set_num_threads(torch.get_num_threads() + 1)", ["threads"]),
        "c": ("import torch; torch.set_default_dtype(torch.float64)", ["dtype"]),
        "d": ("import random, numpy; random.random(); numpy.random.rand()", ["numpy", "random"]),
        "e": ("import os; os.environ['X'] = '1'", ["environment"]),
        "f": ("import torch; torch.set_grad_enabled(False)", ["grad"]),
        "g": (
            "import torch; torch.distributions.Distribution.set_default_validate_args(False)",
            ["validation"],
        ),
        "h": ("import matplotlib; matplotlib.rcParams['font.size'] = 3.0", ["style", "matplotlib"]),
        "i": ("import torch; torch.zeros(3) + 1", None),
    }
    for name, (code, _) in planted.items():
        (tmp_path / f"{name}.py").write_text(code)
    expected = {name: what for name, (_, what) in planted.items() if what}
    assert effects(tmp_path, list(planted)) == expected


BREACHES = [
    (layers.upward, "checks.py", "import course_utils.taxonomy"),
    (layers.upward, "taxonomy.py", "def f() -> None:\n    from course_utils import training"),
    (layers.upward, "taxonomy.py", "from course_utils.models.nade import NADE"),
    (layers.upward, "runtime.py", "import importlib\nimportlib.import_module('course_utils.universe')"),
    (layers.upward, "models/nade.py", "if True:\n    import course_utils.evaluation as e"),
    (layers.upward, "models/nade.py", "from . import nade"),
    (layers.upward, "helpers.py", '"""A drawer."""'),
    (layers.upward, "__init__.py", "from course_utils import checks"),
    (layers.upward, "explorers/start_here.py", "from course_utils import environment"),
    (layers.cycles, "checks.py", "from course_utils.universe import all_images"),
    (layers.cycles, "datasets/images.py", "def f() -> None:\n    from course_utils.datasets import mnist"),
    (layers.misplaced, "evaluation.py", "def f() -> None:\n    import matplotlib.pyplot as plt"),
    (layers.misplaced, "plots/plane.py", "from ipywidgets import Image"),
    (layers.undocumented, "helpers.py", "import os"),
    (layers.undocumented, "checks.py", "def f() -> None:\n    pass"),
    (layers.undocumented, "checks.py", 'class A:\n    """A."""\n\n    def f(self) -> None:\n        pass'),
    (layers.untyped, "checks.py", 'def f(x) -> int:\n    """F."""'),
    (layers.untyped, "checks.py", 'def f(x: int):\n    """F."""'),
    (layers.untyped, "checks.py", 'class A:\n    def __init__(self, *x) -> None:\n        """F."""'),
    (layers.too_long, "checks.py", "\n" * 261),
    (layers.too_long, "checks.py", "def f() -> None:\n" + "    f()\n" * 60),
]


ALLOWED = [
    (
        layers.misplaced,
        "checks.py",
        "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n    import matplotlib",
    ),
    (layers.undocumented, "checks.py", "def _f() -> None:\n    pass"),
    (layers.untyped, "checks.py", "def _f(x):\n    return lambda y: x"),
    (layers.too_long, "checks.py", 'def f() -> None:\n    """F.\n\n    F.\n    """\n' + "    f()\n" * 59),
]


@pytest.fixture(scope="module")
def whole_copy(tmp_path_factory):
    return shutil.copytree(
        PACKAGE,
        tmp_path_factory.mktemp("copy") / layers.PACKAGE,
        ignore=shutil.ignore_patterns("__pycache__"),
    )


@pytest.fixture
def copy(whole_copy):
    """A copy of the package, in which one file may be changed; the next test finds it as it was."""
    before = {path: path.stat().st_size for path in whole_copy.rglob("*.py")}
    yield whole_copy
    for path in whole_copy.rglob("*.py"):
        if path not in before:
            path.unlink()
        elif path.stat().st_size > before[path]:
            os.truncate(path, before[path])


@pytest.mark.parametrize("rule, file, code", BREACHES + ALLOWED, ids=lambda v: getattr(v, "__name__", None))
def test_breaches_are_noticed_and_what_is_allowed_passes(copy, rule, file, code):
    with (copy / file).open("a", encoding="utf-8") as module:
        module.write(f"\n\n{code}\n")
    assert len(rule(copy)) == len(as_it_is(rule)) + ((rule, file, code) in BREACHES)


def test_numbers_leave_an_apple_gpu_before_they_become_float64():
    """It has no float64: ``.double().cpu()`` fails there, ``.cpu().double()`` or ``as_double`` does not."""
    late = re.compile(r"\.(double\(\)|to\(torch\.(double|float64)\))(\.\w+\([^()]*\))*\.cpu\(\)")
    found = [path.name for path in PACKAGE.rglob("*.py") if late.search(path.read_text("utf-8"))]
    assert not found and late.search("x.double().exp().cpu()") and not late.search("x.cpu().double()")


def test_tests_lie_in_folders_that_mirror_the_rooms():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert {path.parent.name for path in TESTS.glob("*/test_*.py")} <= rooms
    whole = {"bad_input", "habits", "layers", "readme", "runtime", "storage"}  # of no room
    assert {path.stem.removeprefix("test_") for path in TESTS.glob("test_*.py")} == whole
