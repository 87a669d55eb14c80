"""Commands as real processes: what they import, and their two outputs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.cli.results import LOCAL
from tests.conftest import Run
from tilecppn.scene.scene import Scene
from tilecppn.storage.store import Store


def loaded(code: str, folder: Path, *modules: str) -> set[str]:
    """Which of `modules` a fresh Python has imported after `code`."""
    script = f"import sys\n{code}\nprint(*(m for m in {modules!r} if m in sys.modules))"
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=folder, capture_output=True, text=True, check=True
    )
    return set(result.stdout.splitlines()[-1].split())


def calls(*commands: list[str]) -> str:
    """Code that calls commands in turn; `codes` are their exit codes."""
    one = "    try: main(command)\n    except SystemExit as end: codes.append(end.code)"
    return f"from tilecppn.cli import main\ncodes = []\nfor command in {commands!r}:\n{one}\n"


def test_paths_and_data_are_checked_before_torch_is_loaded(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    Image.new("L", (4, 4)).save(tmp_path / "tiny.png")
    code = calls(
        ["train", "nowhere", "-o", "m.safetensors"],
        ["train", "digits", "-o", "m.toml"],
        ["train", "digits", "-o", "m.safetensors", "--size", "100"],
        ["train", "digits", "-o", "m.safetensors", "--save-dir", "mine"],
        ["fit", "nowhere.png", "-o", "m.safetensors"],
        ["fit", "tiny.png", "-o", "m.safetensors"],
        ["encode", "nowhere.safetensors", "tiny.png"],
    )
    found = loaded(f"{code}assert codes == [2] * 7, codes", tmp_path, "torch", "numpy")
    assert found == {"numpy"}


def test_the_end_of_a_process_does_not_wait_for_garbage(tmp_path: Path) -> None:
    script = (
        "import atexit, gc, sys\n"
        "atexit.register(lambda: print(gc.get_freeze_count(), file=sys.stderr))\n"  # after ours
        "from tilecppn.__main__ import main\n"
        "sys.argv = ['tilecppn', '--version']\n"
        "main()"
    )
    result = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert int(result.stderr) > 1000


def test_a_command_starts_no_threads_of_numpys(tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from tilecppn.__main__ import main\n"
        "sys.argv = ['tilecppn', 'presets']\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        "import numpy, threadpoolctl\n"
        "pools = threadpoolctl.threadpool_info()\n"
        "print([p['num_threads'] for p in pools if p['internal_api'] == 'openblas'])"
    )
    found = subprocess.run(
        [sys.executable, "-c", script], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines()[-1] in ("[1]", "[]")  # Apple's NumPy has another library


def test_preview_imports_only_what_a_still_needs(scene: Scene, tmp_path: Path) -> None:
    command = ["preview", "a.toml", "-o", "a.png", "--width", "20"]
    code = f"from tilecppn.cli import main; main({command!r}, standalone_mode=False)"
    names = ("ray", "zarr", "numpy", "tilecppn.film.timeline.timeline")
    assert loaded(code, tmp_path, *names) == {"numpy"}


def test_results_go_to_stdout_and_progress_to_stderr(scene: Scene, tilecppn: Run) -> None:
    rendered = tilecppn("render", "a.toml", "-o", "a.zarr", *LOCAL, "--json", "--export", "a.png")
    assert rendered.returncode == 0, rendered.stderr
    assert json.loads(rendered.stdout)["rendered"] == 4
    assert rendered.stdout.count("\n") == 1
    assert "4 shards" in rendered.stderr
    assert "Warning" not in rendered.stderr
    verified = tilecppn("verify", "a.zarr")
    assert (verified.returncode, verified.stdout) == (0, "a.zarr: complete and undamaged\n")


@pytest.mark.parametrize(
    "arguments", [("presets",), ("--help",), ("status", "a.zarr"), ("render", "--help")]
)
def test_a_reader_that_goes_away_meets_no_traceback(
    arguments: tuple[str, ...], copied: Store, tilecppn: Run
) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    try:
        with subprocess.Popen(
            [sys.executable, "-m", "tilecppn", *arguments],
            cwd=copied.path.parent,
            stdout=writing,
            stderr=subprocess.PIPE,
            text=True,
        ) as process:
            _, stderr = process.communicate(timeout=60)
    finally:
        os.close(writing)
    assert stderr == ""
    assert process.returncode in (0, 1, 141, -signal.SIGPIPE)


@pytest.mark.parametrize("stderr", ["2>/dev/full", "2>&-", "2> >(exec true)"])
def test_work_goes_on_where_stderr_cannot_be_written(stderr: str, tmp_path: Path) -> None:
    """A full disk under a log, a service without stderr, a pipe whose reader has gone."""
    (tmp_path / "a.toml").write_text("[canvas]\nwidth = 300\nheight = 200\n")
    command = f'"{sys.executable}" -m tilecppn'
    script = (
        f"{command} render a.toml -o a.zarr --executor local --json {stderr} || exit 1\n"
        f"{command} verify b.zarr {stderr}\n"
        "[ $? = 2 ]"
    )
    result = subprocess.run(
        ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=120
    )
    assert result.returncode == 0
    assert json.loads(result.stdout)["rendered"] == 1


@pytest.mark.parametrize(
    ("script", "says", "code"),
    [
        ("{0} presets > /dev/full", "standard output: No space left on device", 1),
        ("rmdir {1}/a; {0} plan {1}/a.toml", "the current folder was deleted; go to another", 2),
    ],
)
def test_errors_without_a_file_say_where(script: str, says: str, code: int, tmp_path: Path) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "a.toml").write_text("[canvas]\nwidth = 300\n")
    command = script.format(f'"{sys.executable}" -m tilecppn', tmp_path)
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=tmp_path / "a",
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stderr, done.returncode) == (f"error: {says}\n", code)


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8:strict", "ascii"])
def test_results_are_printed_in_any_encoding(encoding: str, scene: Scene, tmp_path: Path) -> None:
    name = os.fsdecode("日本 ".encode() + b"\xff.toml")
    (tmp_path / name).write_bytes((tmp_path / "a.toml").read_bytes())
    commands = calls(["presets"], ["info", name], ["preview", name, "-o", f"{name}.png"])
    done = subprocess.run(
        [sys.executable, "-c", f"{commands}assert codes == [0, 0, 0]"],
        cwd=tmp_path,
        capture_output=True,
        env={**os.environ, "PYTHONIOENCODING": encoding},
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")
    for said in (b"hardmaru", b"scene", b".toml.png"):
        assert said in done.stdout


# Ctrl-C as the command line is being imported, which takes the longest of a start.
INTERRUPTED_IMPORT = """
import os, signal, sys
class Finder:
    def find_spec(self, name, path=None, target=None):
        if name == "tilecppn.cli":
            os.kill(os.getpid(), signal.SIGINT)
sys.meta_path.insert(0, Finder())
from tilecppn.__main__ import main
main()
"""


def test_ctrl_c_while_a_command_starts_prints_no_traceback(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED_IMPORT, "presets"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (-signal.SIGINT, "", "")


# A command that is stopped while a thread compiles machine code for some seconds.
STOPPED_COMPILING = """
import sys, threading, time
import tilecppn.cli
from tilecppn.__main__ import main
from tilecppn.codegen.activations import FUNCTIONS
from tilecppn.codegen import ArrayOf, Compiled, Module, jit
from tilecppn.codegen.values import F64
def module():
    module = Module()
    for n in range(100):
        f = module.function(f"f{n}", x=ArrayOf(F64))
        for name in FUNCTIONS:
            f.array("x").store(FUNCTIONS[name](f.array("x").load(0, 4)), 0)
        f.end()
    return module
begun, optimised = threading.Event(), jit._optimised
def compiling(*arguments):
    begun.set()
    return optimised(*arguments)
jit._optimised = compiling
def stopped(**_):
    threading.Thread(target=Compiled, args=[module], daemon=True).start()
    begun.wait()
    time.sleep(0.3)
    print("printed")
    sys.exit(130)
tilecppn.cli.main = stopped
main()
"""


def test_a_command_that_ends_while_it_compiles_has_its_exit_code(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", STOPPED_COMPILING],
        env=os.environ | {"XDG_CACHE_HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stdout, done.stderr) == (130, "printed\n", "")
