"""Parts of a film have the frames of the whole; drafts show the same at another size."""

from pathlib import Path

import numpy as np
import pytest

from tests.film.conftest import pixels
from tilecppn.errors import SceneError
from tilecppn.film.animate import animate
from tilecppn.film.store import FilmStore
from tilecppn.film.timeline.excerpt import excerpt, scaled
from tilecppn.film.timeline.timeline import Timeline


@pytest.mark.parametrize(
    ("start", "stop", "frame", "numbers"),
    [
        (None, None, None, range(11)),
        ("0.2", "0.9", None, range(2, 9)),
        ("0.41", "10f", None, range(5, 10)),
        ("9f", None, None, range(9, 11)),
        (None, "1.1", None, range(11)),
        (None, None, 10, range(10, 11)),
    ],
)
def test_an_excerpt_has_the_frames_of_the_whole(
    film: Timeline, start: str | None, stop: str | None, frame: int | None, numbers: range
) -> None:
    part = excerpt(film.replace(samples=2), start, stop, frame)
    assert part.frames == len(numbers)
    for k, number in enumerate(numbers):
        assert part.scene(k) == film.scene(number)
        assert part.moments(k) == film.replace(samples=2).moments(number)
        assert part.time(k) == film.time(number)
    assert (part.fingerprint == film.replace(samples=2).fingerprint) == (len(numbers) == 11)


def test_an_excerpt_survives_its_toml_and_is_drawn(
    film: Timeline, frames: np.ndarray, tmp_path: Path
) -> None:
    part = excerpt(film, "7f", "9f")
    assert Timeline.parse(part.to_toml(), embedded=part.networks).fingerprint == part.fingerprint
    store = FilmStore(animate(part, tmp_path / "a.zarr", executor="local"))
    assert np.array_equal(pixels(store), frames[7:9])


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("3",), "start=3: the film has 1.1 seconds, frames 0 to 10"),
        ((None, "12f"), "stop=12f"),
        (("-1",), "start=-1"),
        (("1", "1"), "no frame lies between"),
        (("noon",), "must be seconds, as in 2.5, or a frame number"),
        (("nan",), "must be seconds"),
        (("1e999",), "must be seconds"),
        ((None, None, 11), "frame=11: the film has"),
        (("1", None, 3), "either frame, or start and stop"),
    ],
)
def test_what_the_film_has_not_is_refused(
    film: Timeline, arguments: tuple[str | None, ...], words: str
) -> None:
    with pytest.raises(SceneError, match=r"start|stop|frame") as caught:
        excerpt(film, *(*arguments, None)[:2], *arguments[2:])  # type: ignore[arg-type]
    assert words in str(caught.value)


def test_a_draft_is_the_same_film_at_another_size(film: Timeline) -> None:
    large = film.base.replace(canvas={"width": 640, "height": 99})
    draft = scaled(Timeline.of(large, film.keyframes, seconds=1.1, fps=10), 0.33)
    assert (draft.base.canvas.width, draft.base.canvas.height) == (212, 33)
    assert draft.scene(5).view == film.scene(5).view
    for factor in (0.0, -1.0, float("nan"), float("inf")):
        with pytest.raises(SceneError, match="scale="):
            scaled(film, factor)
