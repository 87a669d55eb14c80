"""What killed exports leave behind goes with the next one; what others use stays."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from tilecppn.assemble.placing import placed

KILLED = """
import sys, time
from pathlib import Path
from tilecppn.assemble.placing import placed
with placed(Path(sys.argv[1]), folder=sys.argv[2] == "folder") as temporary:
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
    assert child.stdout is not None
    with child.stdout:
        assert child.stdout.readline() == "begun\n"
        (theirs,) = tmp_path.iterdir()
        with placed(path) as ours:
            ours.write_text("one")
        assert theirs.exists()
        child.send_signal(signal.SIGKILL)
        child.wait()
    other = tmp_path / ".b.out.0123456789ab.partial"
    other.touch()
    with placed(path) as ours:
        ours.write_text("two")
    assert sorted(tmp_path.iterdir()) == sorted([other, path])
    assert path.read_text() == "two"


def test_an_error_leaves_what_was_there(tmp_path: Path) -> None:
    path = tmp_path / "a.out"
    path.write_text("old")

    def spoiled() -> None:
        with placed(path) as temporary:
            temporary.write_text("new")
            raise RuntimeError

    with pytest.raises(RuntimeError):
        spoiled()
    assert [p.read_text() for p in tmp_path.iterdir()] == ["old"]
