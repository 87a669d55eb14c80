"""What killed exports leave behind goes with the next one; what others use stays."""

import contextlib
import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tests.stores import tree
from tilecppn import filesystem
from tilecppn.errors import ExportError, RenderError
from tilecppn.exporters.export import EXPORTERS, LAYOUTS, Exporter
from tilecppn.exporters.output.atomic import atomic_output, naming_destination

KILLED = """
import sys, time
from pathlib import Path
from tilecppn.exporters.output.atomic import atomic_output
with atomic_output(Path(sys.argv[1]), folder=sys.argv[2] == "folder") as temporary:
    if sys.argv[2] == "folder":
        (temporary / "tile").write_text("half")
    print("begun", flush=True)
    time.sleep(600)
"""


@pytest.mark.parametrize("kind", ["file", "folder"])
def test_the_leftover_of_a_killed_process_goes_but_not_before_it_is_dead(
    kind: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.out"
    child = subprocess.Popen(
        [sys.executable, "-c", KILLED, str(path), kind], stdout=subprocess.PIPE, text=True
    )
    with child:
        try:
            assert child.stdout is not None
            assert child.stdout.readline() == "begun\n"
            (theirs,) = filesystem.leftovers(path)
            with pytest.raises(ExportError, match="in use"), atomic_output(path):
                raise AssertionError
            assert theirs.exists()
        finally:
            child.kill()
    other = tmp_path / ".b.out.0123456789ab.partial"
    other.touch()
    with atomic_output(path) as ours:
        ours.write_text("two")
    assert sorted(tmp_path.iterdir()) == sorted([other, path])
    assert path.read_text() == "two"


@pytest.mark.parametrize(
    ("pipe", "dest", "exporter"),
    [
        *((f"a{suffix}", f"a{suffix}", exporter) for suffix, exporter in EXPORTERS.items()),
        ("a_files", "a.dzi", EXPORTERS[".dzi"]),
        ("a", "a", LAYOUTS["xyz"]),
    ],
)
def test_a_pipe_is_refused_and_not_waited_for(
    in_a_minute: None, pipe: str, dest: str, exporter: Exporter, tmp_path: Path
) -> None:
    os.mkfifo(tmp_path / pipe)
    with pytest.raises(ExportError, match="not made by tilecppn"):
        exporter.check(tmp_path / dest, overwrite=True)


@pytest.mark.parametrize("failing", ["os.open", "os.link"])
def test_temporary_names_do_not_reach_the_user(
    failing: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*paths: Path, **options: object) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(paths[0]))

    path = tmp_path / "a.out"
    monkeypatch.setattr(failing, fail)
    if failing == "os.link":
        monkeypatch.setattr("os.replace", fail)
    with pytest.raises(RenderError) as raised, naming_destination(path), atomic_output(path):
        pass
    monkeypatch.undo()
    assert f"{path}: cannot be written" in str(raised.value)
    assert ".lock" not in str(raised.value)
    assert ".partial" not in str(raised.value)


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    path.write_text("old")

    def spoiled() -> None:
        with atomic_output(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        spoiled()
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]


REPLACED = """
import os, signal, sys
from pathlib import Path
from tilecppn.exporters.output.atomic import atomic_output
rename, calls = os.rename, []
def dying(*names):
    calls.append(names)
    if len(calls) == 2:
        os.kill(os.getpid(), signal.SIGKILL)
    rename(*names)
os.rename = dying
with atomic_output(Path(sys.argv[1]), folder=True) as temporary:
    (temporary / "tile").write_text("new")
"""


@pytest.mark.parametrize("fails", [False, True])
def test_what_a_killed_process_had_moved_away_is_there_until_another_takes_its_place(
    fails: bool, tmp_path: Path
) -> None:
    path = tmp_path / "a_files"
    path.mkdir()
    (path / "tile").write_text("old")
    killed = subprocess.run([sys.executable, "-c", REPLACED, str(path)], check=False)
    assert killed.returncode == -signal.SIGKILL
    assert not path.exists()
    with contextlib.suppress(RuntimeError), atomic_output(path, folder=True) as temporary:
        assert (path / "tile").read_text() == "old"
        (temporary / "tile").write_text("newer")
        if fails:
            raise RuntimeError
    assert tree(tmp_path) == {"a_files": None, "a_files/tile": b"old" if fails else b"newer"}


def test_a_folder_that_cannot_be_replaced_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a_files"
    path.mkdir()
    (path / "tile").write_text("old")
    rename = os.rename

    def refusing(old: Path, new: Path) -> None:
        if new == path and "~" not in old.name:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
        rename(old, new)

    monkeypatch.setattr(os, "rename", refusing)
    with pytest.raises(PermissionError), atomic_output(path, folder=True):
        pass
    assert tree(tmp_path) == {"a_files": None, "a_files/tile": b"old"}


def test_messages_name_what_is_written_as_it_will_be_called(tmp_path: Path) -> None:
    tile = filesystem.temporary_path(tmp_path / "a_files") / "9" / "0_0.png"
    full = OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(tile))
    wanted = str(tmp_path / "a_files/9/0_0.png")
    assert filesystem.error_text(full) == f"{wanted}: No space left on device"
    with pytest.raises(RenderError) as raised, naming_destination(tmp_path / "a.dzi"):
        raise full
    assert wanted in str(raised.value)
    assert filesystem.PARTIAL not in str(raised.value)
