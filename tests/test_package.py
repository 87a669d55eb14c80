"""The package's face: its public names, and how little it loads before it must."""

import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import tilecppn

HEAVY = {"numpy", "torch", "zarr", "numcodecs", "ray", "PIL", "rich", "safetensors"}


# Runs a statement, or `python -m tilecppn` with arguments, and keeps the names of all modules.
RUNNER = """
import atexit, pathlib, runpy, sys
atexit.register(lambda: pathlib.Path("modules.txt").write_text(" ".join(sys.modules)))
if sys.argv[1] == "-c":
    exec(sys.argv[2])
else:
    sys.argv[0:2] = ["tilecppn"]
    runpy.run_module("tilecppn", run_name="__main__", alter_sys=True)
"""


def loaded_by(*command: str, cwd: Path) -> set[str]:
    """Names of the modules that `-c STATEMENT` or `-m ARGUMENTS …` loads."""
    done = subprocess.run(
        [sys.executable, "-c", RUNNER, *command],
        capture_output=True,
        text=True,
        cwd=cwd,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return set((cwd / "modules.txt").read_text().split())


def packages(modules: set[str]) -> set[str]:
    return {module.partition(".")[0] for module in modules}


def test_public_names_are_those_of_the_lazy_table() -> None:
    assert set(tilecppn.__all__) == set(tilecppn._PUBLIC) | {"__version__"}
    assert tilecppn.__all__ == sorted(tilecppn.__all__)
    assert len(set(tilecppn.__all__)) == len(tilecppn.__all__)
    assert dir(tilecppn) == sorted(tilecppn.__all__)


@pytest.mark.parametrize(("name", "module"), tilecppn._PUBLIC.items())
def test_public_name_is_what_its_module_has(name: str, module: str) -> None:
    """Also when all of the package is loaded: a folder of the same name must not hide it."""
    thing = getattr(importlib.import_module(module), name)
    assert thing.__module__ == module
    assert getattr(tilecppn, name) is thing


@pytest.mark.parametrize("first", ["preview", "render", "Store", "export", "Scene"])
def test_public_functions_can_be_called_whatever_was_used_before(
    tmp_path: Path, first: str
) -> None:
    statement = f"""
import tilecppn as tc
tc.{first}
for function in (tc.preview, tc.render, tc.export, tc.Scene.of, tc.CPPN.from_preset):
    assert callable(function), function
"""
    loaded_by("-c", statement, cwd=tmp_path)


def test_names_of_the_contract_are_public() -> None:
    contract = {"Scene", "CPPN", "preview", "render", "export"}
    assert contract <= set(tilecppn.__all__)


def test_unknown_name_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="has no attribute 'zebra'"):
        tilecppn.zebra  # noqa: B018
    with pytest.raises(ImportError):
        exec("from tilecppn import zebra")


def test_version_is_the_packages() -> None:
    from importlib.metadata import version

    assert tilecppn.__version__ == version("tilecppn")


def test_package_is_typed() -> None:
    assert Path(tilecppn.__file__).with_name("py.typed").exists()


def test_import_loads_nothing_heavy(tmp_path: Path) -> None:
    modules = loaded_by("-c", "import tilecppn", cwd=tmp_path)
    assert "tilecppn" in modules
    assert packages(modules).isdisjoint(HEAVY)


@pytest.mark.parametrize(
    "command", [["--help"], ["-h"], ["--version"], ["render", "--help"], ["export", "--help"]]
)
def test_help_loads_nothing_heavy(tmp_path: Path, command: list[str]) -> None:
    modules = loaded_by("-m", *command, cwd=tmp_path)
    assert "tilecppn.cli" in modules
    assert packages(modules).isdisjoint(HEAVY)


def test_errors_load_nothing_heavy(tmp_path: Path) -> None:
    modules = loaded_by("-c", "from tilecppn import StoreError, TilecppnError", cwd=tmp_path)
    assert "tilecppn.errors" in modules
    assert packages(modules).isdisjoint(HEAVY)


COMMANDS = [["preview", "poster.toml", "-o", "a.png"], ["render", "poster.toml", "-o", "a.zarr"]]


@pytest.mark.parametrize("command", COMMANDS, ids=lambda command: command[0])
def test_drawing_on_a_cpu_loads_neither_torch_nor_ray(tmp_path: Path, command: list[str]) -> None:
    (tmp_path / "poster.toml").write_text(
        "[cppn]\nwidth = 4\ndepth = 1\n[canvas]\nwidth = 300\nheight = 200\n"
    )
    modules = loaded_by("-m", *command, "--kernel", "llvm", cwd=tmp_path)
    assert (tmp_path / command[-1]).exists()
    assert packages(modules).isdisjoint({"torch", "ray"})
