"""Films from picture to picture: each keyframe is its picture, and the file says the same."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from tests.serve.studio.asking import Client, assert_seen_alike, opened
from tests.serve.studio.conftest import SCENE
from tests.serve.studio.test_renders import until
from tilecppn.errors import InvalidRequestError
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.pixels.preview import preview
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.films import Films, Knot, timeline
from tilecppn.serve.studio.scenes import UnknownSceneError

SMALL = SCENE.replace(canvas={"width": 90, "height": 60})
PAIRS: list[dict[str, Any]] = [
    {"latent": {"seed": 5}},
    {"latent": {"z": [0.5] * 8}},
    {"cppn": {"seed": 8}},
    {"cppn": {"mutations": [{"seed": 1, "amount": 0.2}]}},
    {"cppn": {"seed": 3, "cross": {"seed": 4, "amount": 0.5}}, "latent": {"seed": 2}},
    {"view": {"center": [1.0, 2.0], "scale": 0.1, "rotation": 45.0}},
    {"output": {"palette": "viridis"}},
    {"output": {"palette": ["#001 0%", "#fff 30%", "#a31 100%"]}},
]


def film(*scenes: Scene, loop: bool = False) -> Timeline:
    return timeline([Knot(s, float(i), "linear") for i, s in enumerate(scenes)], 4.0, 5, loop)


@pytest.mark.parametrize("changes", PAIRS, ids=lambda c: "+".join(c))
@pytest.mark.parametrize("loop", [False, True])
def test_each_keyframe_is_its_picture(changes: dict[str, Any], loop: bool) -> None:
    pictures = [SMALL, SMALL.replace(**changes), SMALL]
    found = film(*pictures, loop=loop)
    assert found.frames == 20
    for number, picture in zip((0, 5, 10), pictures, strict=True):
        np.testing.assert_array_equal(preview(found.scene(number), 90), preview(picture, 90))
    between = preview(found.scene(2), 90).astype(int)
    assert np.abs(between - preview(pictures[0], 90)).mean() > 0.5
    assert Timeline.parse(found.to_toml()).fingerprint == found.fingerprint


def test_what_cannot_move_is_said() -> None:
    wider = SMALL.replace(cppn={"width": 20})
    plain = SMALL.replace(output={"palette": None}, cppn={"channels": 3})
    for scenes, fault in (
        ([SMALL], "2 to 100 pictures"),
        ([SMALL, SMALL], "alike"),
        ([SMALL, wider], "one structure"),
        ([SMALL, plain], "one structure"),
    ):
        with pytest.raises(InvalidRequestError, match=fault):
            film(*scenes)
    other = SMALL.replace(latent={"seed": 1})
    for times in ((1.0, 0.0), (0.0, 0.0), (0.0, 9.0), (-1.0, 2.0)):
        with pytest.raises(InvalidRequestError):
            timeline([Knot(SMALL, times[0], "in"), Knot(other, times[1], "in")], 4.0, 5, False)
    with pytest.raises(InvalidRequestError, match="easing"):
        timeline([Knot(SMALL, 0.0, "x"), Knot(other, 1.0, "in")], 4.0, 5, False)
    with pytest.raises(InvalidRequestError, match="frames at most"):
        timeline([Knot(SMALL, 0.0, "in"), Knot(other, 1.0, "in")], 1e9, 60, False)


def test_only_the_latest_films_are_kept() -> None:
    films = Films()
    names = [films.keep(film(SMALL, SMALL.replace(latent={"seed": k}))) for k in range(1, 12)]
    assert films.frame(names[-1], 0).z.tolist() == SMALL.z.tolist()
    for name, number in ((names[0], 0), ("x", 0), (names[-1], 20), (names[-1], -1)):
        with pytest.raises(UnknownSceneError):
            films.frame(name, number)


def knots(client: Client) -> list[dict[str, Any]]:
    base = client.scene["id"]
    found = client.told("variations", base=base, kind="latents", count=3)["variations"]
    return [{"id": v["id"], "time": i, "easing": "in-out"} for i, v in enumerate(found)]


def test_frames_are_seen(client: Client) -> None:
    asked = {"knots": knots(client), "seconds": 3, "fps": 4}
    made = client.told("films", **asked)
    assert made["frames"] == 12
    status, png = client.get(f"frames/64/{made['id']}/4.png")
    assert status == 200
    second = SCENE.replace(latent={"seed": 1}, output={"tolerance": 0.0})
    picture = np.asarray(Image.open(io.BytesIO(png)))
    assert_seen_alike(picture, preview(second, 64))
    for path in (f"{made['id']}/12", "x/0", f"{made['id']}/-1", f"{made['id']}/99999999"):
        assert client.get(f"frames/64/{path}.png")[0] in (404, 410)
    wrongs: list[dict[str, Any]] = [{"knots": 3}, {"knots": [3]}, {"knots": []}, {"fps": 0}]
    for wrong in (*wrongs, {"seconds": -1}):
        assert client.post("films", {**asked, **wrong})[0] == 422


@pytest.mark.slow
def test_a_timeline_is_rendered(tmp_path: Path) -> None:
    (tmp_path / "my.toml").write_text(SMALL.to_toml())
    with opened(tmp_path, tmp_path / "my.toml") as client:
        form = {"knots": knots(client), "seconds": 2, "fps": 6, "purpose": "timeline"}
        asked = {**form, "name": "a", "format": "gif"}
        assert "12 frames of 90 × 60" in client.told("plan", **asked)["plan"]
        client.told("renders", **asked)
        assert until(client, 0, "done", "failed")["error"] == ""
        assert Timeline.load(tmp_path / "a.gif").frames == 12
        sheet = {**form, "name": "b", "format": "sheet"}
        assert "12 frames, 320 pixels wide" in client.told("plan", **sheet)["plan"]
        client.told("renders", **sheet)
        assert until(client, 1, "done", "failed")["error"] == ""
        assert (tmp_path / "b.png").exists()
        status, answer = client.post("renders", {**asked, "seconds": 3})
        assert (status, "something else" in answer["error"]) == (422, True)
