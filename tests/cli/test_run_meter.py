"""What a render shows while it runs."""

import pytest

from tests.conftest import SMALL_NET
from tilecppn.cli.progress import Meter
from tilecppn.cli.run_meter import RenderMeter
from tilecppn.pixels.window import BAND, preview
from tilecppn.scene.scene import Scene

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


def test_an_estimate_that_comes_late_is_not_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with RenderMeter("render", SCENE) as meter:
        meter.begin(100)
        meter.add(50)
        meter.estimate("llvm", 1)
    assert meter.expected_rate == 0.0
    assert capsys.readouterr().err == ""


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
