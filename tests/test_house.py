"""The repository follows its map: files, imports, sizes."""

import ast
import importlib.util
import os
import re
import subprocess
import sys
import tomllib
from collections import Counter

import pytest
from conftest import ROOT

COMMANDS = ["app.py", "evaluate.py", "model.py", "predict.py", "train.py"]
PRODUCT = [*ROOT.glob("*.py"), *ROOT.glob("inkling/**/*.py")]
MODULES = [
    ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
    for path in PRODUCT
]
INTERNALS = ROOT / "inkling" / "server" / "gradio_internals.py"
IMPORTS_ALL = """
import importlib, logging, os, signal, socket, sys, threading, warnings
import contextlib, cv2, gradio, matplotlib.figure, numpy, pooch, requests, sklearn.metrics, torch
import gradio.queueing, PIL.AvifImagePlugin, PIL.TiffImagePlugin, PIL.WebPImagePlugin
for extra in ("onnxruntime.quantization", "ray.data", "ray.serve"):
    with contextlib.suppress(ImportError):
        importlib.import_module(extra)
# others' own imports may change what they like

PILLOW = [module for name, module in sys.modules.items() if name.startswith("PIL.")]

def state():
    return (
        dict(os.environ), os.getcwd(), sorted(os.listdir()), list(sys.path), sys.excepthook,
        [signal.getsignal(number) for number in signal.valid_signals()], threading.active_count(),
        list(map(str, warnings.filters)), warnings.showwarning, socket.getdefaulttimeout(),
        logging.root.level, list(logging.root.handlers), numpy.geterr(), cv2.getNumThreads(),
        torch.get_num_threads(), torch.get_num_interop_threads(), torch.get_default_dtype(),
        torch.initial_seed(), gradio.queueing.Queue.push, list(PIL.Image.ID),
        [vars(module)[name] for module in PILLOW for name in sorted(vars(module)) if name.isupper()
         and isinstance(vars(module)[name], (int, float, str, type(None)))],
        [dict(vars(kind)) for module in PILLOW for kind in vars(module).values()
         if isinstance(kind, type)],
    )

for module in sys.argv[1:]:
    before = state()
    importlib.import_module(module)
    after = state()
    if after != before:
        print(module, [pair for pair in zip(before, after) if pair[0] != pair[1]])
"""


LOADED = """
import importlib, pathlib, sys
importlib.import_module(sys.argv[1])
if sys.argv[1] == "app":
    source = sys.modules["app"].LiveReader(pathlib.Path("checkpoints/digits.safetensors"))
    source.start()
    sys.modules["app"].build_demo(source)
for module in list(sys.modules.values()):
    print(getattr(module, "__file__", None))
"""


RAY = importlib.util.find_spec("ray")  # an extra, which tests may do without


def tree(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imports_of(path):
    """Return the top-level packages that a file imports."""
    nodes = list(ast.walk(tree(path)))
    names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
    names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
    return {name.partition(".")[0] for name in names}


def named(path):
    return str(path.relative_to(ROOT))


def test_five_files_stand_in_front_and_little_else():
    assert sorted(path.name for path in ROOT.glob("*.py")) == COMMANDS
    made = {"__pycache__", "venv", "evaluation.html"}  # by runs, and hidden folders
    assert len({path.name for path in ROOT.glob("[!.]*")} - made) <= 19  # and .ci, .gitignore


@pytest.mark.parametrize("path", sorted(ROOT.glob("inkling/**/__init__.py")), ids=named)
def test_each_package_lists_its_files(path):
    _, _, lines = ast.get_docstring(tree(path)).partition("\n")
    listed = re.findall(r"^([\w.]+): \S", lines, re.M)
    hidden = {"__init__.py", "__pycache__"}
    files = [file.name for file in path.parent.iterdir() if file.name not in hidden]
    assert sorted(listed) == sorted(file for file in files if not file.endswith(".pyi"))


def constants_of(path):
    """Return the upper-case names that a module assigns."""
    names = [
        node.id
        for statement in tree(path).body
        if isinstance(statement, ast.Assign | ast.AnnAssign)
        for node in ast.walk(statement)
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)
    ]
    return {name for name in names if name.isupper()}


def test_each_constant_has_one_meaning():
    names = Counter(name for path in PRODUCT for name in constants_of(path))
    assert [name for name, count in names.items() if count > 1] == []


@pytest.mark.parametrize(
    "tool", ["importlinter.cli:lint_imports_command", "mypy.__main__:console_entry"]
)
def test_imports_go_one_way_and_types_fit(tool):
    module, _, function = tool.partition(":")
    program = f"from {module} import {function}; {function}()"
    done = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def count_lines(paths):
    return sum(bool(line.strip()) for p in paths for line in p.read_text("utf-8").splitlines())


def test_the_product_is_small():
    assert count_lines(PRODUCT) <= 8_500


@pytest.mark.parametrize("command, most", [("predict", 2_400), ("app", 6_400)])
def test_a_command_loads_little_code_and_no_training_beside_a_checkpoint(command, most):
    program = [sys.executable, "-c", LOADED, command]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    loaded = {ROOT / name for name in done.stdout.splitlines()} & set(PRODUCT)
    assert 1_500 < count_lines(loaded) <= most
    training = {path.name for path in loaded if path.parent.name == "training"}
    assert training <= {"__init__.py", "live_reader.py"}


def test_the_class_is_one_small_folder_that_nothing_loads_without_its_flag():
    folder = ROOT / "inkling" / "classroom"
    assert count_lines(folder.rglob("*.py")) <= 400
    program = [sys.executable, "-c", LOADED, "app"]
    done = subprocess.run(program, cwd=ROOT, capture_output=True, text=True, check=True)
    assert str(folder) not in done.stdout and "segno" not in done.stdout


def test_the_network_needs_torch_alone():
    imported = imports_of(ROOT / "model.py")
    assert imported - set(sys.stdlib_module_names) == {"torch"}


@pytest.mark.parametrize(
    "folder, others",
    [("bench", {"tests"}), ("tests", {"bench"}), ("support", {"bench", "tests"})]
    + [("data", {"bench", "tests"})],
)
def test_benches_and_tests_share_code_only_in_support(folder, others):
    for path in (ROOT / folder).rglob("*.py"):
        assert not imports_of(path) & others, path


@pytest.mark.parametrize("path", sorted(ROOT.glob("bench/*.py")), ids=named)
def test_benches_import_names_that_exist(path):
    for node in ast.walk(tree(path)):
        module = node.module if isinstance(node, ast.ImportFrom) else None
        if module and module.split(".")[0] in {"inkling", "support", "model", "predict", "app"}:
            if module.startswith("inkling.scale") and not RAY:
                continue
            owner = importlib.import_module(module)
            missing = [a.name for a in node.names if not hasattr(owner, a.name)]
            assert all(importlib.util.find_spec(f"{module}.{name}") for name in missing), missing


def test_each_fault_of_the_benchmark_changes_present_code():
    for row in sum(tomllib.loads((ROOT / "bench" / "faults.toml").read_text("utf-8")).values(), []):
        inside = ROOT / "inkling" / row[0]
        path = inside if inside.exists() else ROOT / row[0]
        assert path.read_text("utf-8").count(row[1]) == 1, row


def test_only_benches_use_the_digits_of_other_writers():
    folders = ("inkling", "data", "docs", "support", "bench")
    files = [*ROOT.glob("*.py"), *(file for one in folders for file in (ROOT / one).rglob("*.py"))]
    users = {named(file) for file in files if "other_writers" in file.read_text(encoding="utf-8")}
    users -= {"support/other_writers.py", "inkling/scale/serving.py"}  # this one excludes them
    assert users == {"bench/held_out.py", "bench/static_page.py"}


@pytest.mark.parametrize("path", PRODUCT, ids=named)
def test_files_and_functions_fit_on_few_screens(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 300
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert node.end_lineno - node.lineno < 60, node.name


@pytest.mark.parametrize("path", [p for p in PRODUCT if p != INTERNALS], ids=named)
def test_private_names_of_others_are_touched_in_one_file_alone(path):
    own = {"self", "cls"}
    touched = {
        node.attr
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute)
        and node.attr.startswith("_")
        and not node.attr.endswith("__")
        and not (isinstance(node.value, ast.Name) and node.value.id in own)
    }
    known = {"_asdict", "_fields", "_replace"}  # public, of named tuples
    known |= {"_bigtiff"} if path.name == "decompression_limits.py" else set()  # Pillow's
    known |= {"_exit"} if path.name == "process.py" else set()  # Python's
    assert touched <= known


def test_importing_a_module_does_nothing(tmp_path):
    environment = {"PYTHONPATH": str(ROOT), "PATH": "", "HOME": str(tmp_path)}
    modules = [name for name in MODULES if RAY or not name.startswith("inkling.scale.")]
    program = [sys.executable, "-c", IMPORTS_ALL, *modules]
    done = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, ""), done.stderr


def test_the_tests_of_a_file_share_a_worker(request):
    if "PYTEST_XDIST_WORKER" not in os.environ:
        pytest.skip("there is one worker")
    assert request.node.nodeid.endswith("@test_house")
