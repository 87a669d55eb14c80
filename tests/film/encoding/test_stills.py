"""Folders of frames."""

from pathlib import Path

from tilecppn.film.animate import animate
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene


def test_each_frame_of_a_folder_carries_its_scene(film: Timeline, tmp_path: Path) -> None:
    from tilecppn.exporters.encoding.png import scene_of

    animate(film, tmp_path / "a", executor="local")
    text = scene_of(tmp_path / "a" / "frame-00004.png")
    assert text is not None
    assert Scene.parse(text).fingerprint == film.scene(4).fingerprint
