"""What a render shows while it runs."""

import math
import threading
from functools import partial
from pathlib import Path

import pytest

from tests.conftest import SMALL_NET
from tilecppn.cancellation import CheckCancelled
from tilecppn.cli import run_meter
from tilecppn.cli.progress import Meter
from tilecppn.cli.run_meter import FilmMeter, RenderMeter
from tilecppn.film.encoding.base import FilmOptions
from tilecppn.film.encoding.estimate import encoding_seconds
from tilecppn.film.encoding.targets import choose_target
from tilecppn.film.plan import ClipTask
from tilecppn.film.store import film_plan
from tilecppn.film.timeline.moves import moving
from tilecppn.pixels.preview import BAND, preview
from tilecppn.plan import Shard
from tilecppn.run.events import TaskDone
from tilecppn.run.jobs import TaskStats
from tilecppn.scene.scene import Scene
from tilecppn.storage.objects import FreeSpace

SCENE = Scene.of(cppn=SMALL_NET, canvas={"width": 600, "height": 600})


def test_the_time_is_estimated_from_samples_within_the_first_shard(
    capsys: pytest.CaptureFixture[str],
) -> None:
    meter = RenderMeter("render", SCENE, clock=lambda: 0.0)
    meter.begin(10**12)
    assert "ETA" not in meter.line()
    meter.estimate("llvm", 1)
    assert "ETA" in meter.line()
    assert "ETA" in capsys.readouterr().err
    assert meter.sampled_rate is not None
    assert meter.estimated_seconds(10**6) == 10**6 / meter.sampled_rate


def test_without_samples_nothing_was_estimated() -> None:
    assert RenderMeter("render", SCENE).estimated_seconds(10**6) is None


@pytest.mark.parametrize(("free", "told"), [(1e9, True), (math.inf, False)])
def test_a_disk_that_will_be_full_is_told_once(
    free: float, told: bool, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(run_meter, "free_disk", lambda path: FreeSpace(path.parent, free))
    meter = RenderMeter("render", SCENE, Path("disk/a.zarr"))
    meter.begin(100 * run_meter.ENOUGH)
    for _ in range(3):
        stats = TaskStats(1.0, run_meter.ENOUGH, 2 * 10**7)
        meter(TaskDone(Shard(0, 0, 0), 0, stats))
    said = capsys.readouterr().err
    assert said.count("free at disk") == told
    assert not told or "about 3.0 GB" in said


def test_a_film_speaks_of_frames() -> None:
    film = moving(SCENE, zoom=2.0, seconds=1, fps=10)
    meter = FilmMeter(film)
    meter.begin(10 * 600 * 600)
    meter.add(4 * 600 * 600 + 1000)
    assert "4 of 10 frames" in meter.line()
    assert "shard" not in meter.work(film_plan(film, None))


def test_the_time_of_an_encoder_is_estimated_from_samples(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    film = moving(Scene.of(cppn=SMALL_NET, canvas={"width": 40, "height": 30}), zoom=2.0, fps=10)
    target = choose_target(tmp_path / "a.gif", film, FilmOptions())
    assert target is not None
    meter = FilmMeter(film, target.encoding)
    meter.estimate_encoding()  # late: nothing is encoded
    assert capsys.readouterr().err == ""
    with meter:
        meter._start_timer(lambda: None)
        meter.clock = iter([100.0, 101.0]).__next__
        meter.estimate_encoding()
    assert "encoding ETA" in capsys.readouterr().err
    assert encoding_seconds(film, target.encoding, lambda: None) > 0.0


@pytest.mark.parametrize("clip", [5, 10])
def test_what_is_left_is_told_where_clips_take_longer(
    clip: int, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    started: list[object] = []
    monkeypatch.setattr(FilmMeter, "_start_timer", lambda meter, tell: started.append(tell))
    film = moving(Scene.of(cppn=SMALL_NET, canvas={"width": 40, "height": 30}), zoom=2.0, fps=10)
    meter = FilmMeter(film)
    meter.plan = plan = film_plan(film, clip)
    meter.begin(plan.pixels)
    frames = [task for task in plan.order() if plan.pixels_of(task)]
    for task in frames:
        assert started == []
        meter(TaskDone(task, 0, TaskStats(0.1, plan.pixels_of(task), 1)))
    assert started == [meter.tell_encoding]
    assert capsys.readouterr().err == ""  # a short film is encoded by now
    meter.tell_encoding()
    assert capsys.readouterr().err.count("all frames are drawn") == 1
    meter._timer = threading.Timer(999, lambda: None)
    meter(TaskDone(ClipTask(0), 0, TaskStats(0.1, 0, 1)))
    assert meter._timer is None


def test_an_estimate_that_comes_late_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with RenderMeter("render", SCENE) as meter:
        meter.begin(100)
        meter.add(50)
        meter.estimate("llvm", 1)
    assert meter.expected_rate == 0.0
    assert capsys.readouterr().err == ""


def test_a_level_that_is_built_does_not_end_the_wait_for_an_estimate() -> None:
    """A resumed run often begins with shards whose children are all done."""
    meter = RenderMeter("render", SCENE)
    meter._start_timer(lambda: None)
    meter(TaskDone(Shard(1, 0, 0), 0, TaskStats(0.1, 0, 1)))
    assert meter._timer is not None
    meter(TaskDone(Shard(0, 0, 0), 0, TaskStats(0.1, 9, 1)))
    assert meter._timer is None


def test_a_preview_shows_its_progress() -> None:
    meter = Meter("preview")
    seen: list[int] = []

    def progress(done: int, total: int) -> None:
        meter.progress(done, total)
        seen.append(meter.done)

    preview(SCENE, 600, progress=progress)
    assert seen == [BAND * 600, 2 * BAND * 600, 600 * 600]
    assert (meter.done, meter.total) == (600 * 600, 600 * 600)


def test_what_libraries_print_while_progress_is_shown_is_kept_from_stdout(
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Ray's listener prints there what happens to nodes, whatever it is told about logs."""
    with Meter("render"):
        print("(raylet) a node died")
    print("result")
    out, err = capsys.readouterr()
    assert out == "result\n"
    assert err == "(raylet) a node died\n"


def test_an_estimate_ends_with_its_meter(monkeypatch: pytest.MonkeyPatch) -> None:
    begun = threading.Event()

    def measure(*arguments: object, check_cancelled: CheckCancelled) -> tuple[float, float]:
        begun.set()
        while True:
            check_cancelled()

    monkeypatch.setattr(run_meter, "measure", measure)
    monkeypatch.setattr(run_meter, "PATIENCE", 0.0)
    with RenderMeter("render", SCENE) as meter:
        meter._start_timer(partial(meter.estimate, "reference", 1))
        assert begun.wait(60)
    assert meter._estimator is not None
    assert not meter._estimator.is_alive()
    assert meter.sampled_rate is None
