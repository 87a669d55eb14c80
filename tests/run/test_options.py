"""A run's choices, and the keyword arguments that make them."""

import inspect
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

import tilecppn as tc
from tests.stores import tree
from tilecppn.run.options import RunOptions

INNER = {"shuffle", "discard", "stopping"}  # not for people


@pytest.mark.parametrize("function", [tc.render, tc.animate])
def test_public_functions_have_every_choice_with_its_default(function: Callable[..., Any]) -> None:
    found = inspect.signature(function).parameters
    choices = {field.name: field.default for field in fields(RunOptions) if field.name not in INNER}
    assert {name: found[name].default for name in choices} == choices
    assert all(found[name].kind is inspect.Parameter.KEYWORD_ONLY for name in choices)


@pytest.mark.parametrize("workers", [0, -1])
def test_fewer_workers_than_one_are_refused_by_all(
    workers: int, small_scene: tc.Scene, tmp_path: Path
) -> None:
    film = tc.Timeline.of(small_scene, seconds=0.1, arrays={"view.scale": [1.0, 2.0, 3.0]})
    before = tree(tmp_path)
    calls: list[Callable[[], object]] = [
        lambda: tc.render(small_scene, tmp_path / "a.zarr", workers=workers),
        lambda: tc.animate(film, tmp_path / "a.gif", workers=workers),
        lambda: tc.export(tmp_path / "none.zarr", tmp_path / "a.dzi", workers=workers),
    ]
    for call in calls:
        with pytest.raises(ValueError, match=rf"^workers = {workers}: must be 1 or more$"):
            call()
    assert tree(tmp_path) == before
