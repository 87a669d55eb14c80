"""Errors speak of options on the command line, and of arguments to who calls a function."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from tests.stores import noise_store
from tilecppn import export
from tilecppn.cli import main
from tilecppn.errors import (
    ExportError,
    Interrupted,
    InvalidRequestError,
    SceneError,
    naming_options,
)
from tilecppn.exporters.gallery import gallery
from tilecppn.film.timeline.moves import moving
from tilecppn.scene.scene import Scene


@pytest.mark.parametrize(
    ("options", "arguments"),
    [
        ("add --overwrite to replace it", "add overwrite=True to replace it"),
        ("use --max-size for fewer pixels", "use max_size for fewer pixels"),
        ("--crf 80: must be from 0", "crf=80: must be from 0"),
        ("; --resize N makes it smaller", "; resize=N makes it smaller"),
        ("use --kernel llvm", 'use kernel="llvm"'),
        ("--from 2f --to 1.5: no frame", "start=2f stop=1.5: no frame"),
        ("--set view.scal=3: unknown key", "view.scal=3: unknown key"),
        ("(--no-scene, or another)", "(show_scene=False, or another)"),
        (
            "run tilecppn verify a-b--c.zarr --repair --scene SCENE; or --overwrite",
            "run tilecppn verify a-b--c.zarr --repair --scene SCENE; or overwrite=True",
        ),
        ("a--overwrite.png: no such file", "a--overwrite.png: no such file"),
        ("kept in a --frame/b.parts; use --crf 3", "kept in a --frame/b.parts; use crf=3"),
        ("start it with: ray start --head", "start it with: ray start --head"),
        ("use tilecppn animate, or preview --time", "use tilecppn animate, or preview --time"),
    ],
)
def test_options_become_arguments(options: str, arguments: str) -> None:
    error = SceneError(options)
    assert str(error) == arguments
    with naming_options():
        assert str(error) == f"{error}" == options
        assert str(ExportError(f"a: {error}")) == f"a: {options}"
    assert str(ExportError(f"a: {error}")) == f"a: {arguments}"
    assert str(Interrupted(options)) == arguments


def test_words_of_a_path_are_no_options() -> None:
    error = ExportError("my --set a.png: already exists; add --overwrite")
    assert str(error) == "my --set a.png: already exists; add overwrite=True"


def test_each_is_told_in_its_own_words(tmp_path: Path) -> None:
    store = noise_store(tmp_path / "a.zarr", 30, 20)
    export(store.path, tmp_path / "a.png")
    with pytest.raises(ExportError, match="add overwrite=True to replace it"):
        export(store.path, tmp_path / "a.png")
    command = ["export", str(store.path), str(tmp_path / "a.png")]
    assert "add --overwrite to replace it" in CliRunner().invoke(main, command).stderr
    with pytest.raises(ExportError, match="add overwrite=True"):
        export(store.path, tmp_path / "a.png")
    with pytest.raises(SceneError, match="give morph, zoom or orbit=True, or"):
        moving(Scene.of())
    with pytest.raises(InvalidRequestError, match="use fewer seeds or a smaller width"):
        gallery(Scene.of(), seeds=range(2000), width=1024)
