"""Ways between latents, and their files."""

import json
import math
import pickle
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

import tilecppn as tc
from tilecppn.cppn import latents
from tilecppn.cppn.latents import lerp, load_latents, save_latents, slerp
from tilecppn.errors import InvalidRequestError

LAWS = settings(max_examples=60)
LATENTS = arrays(np.float64, 5, elements=st.floats(-3, 3))
TIMES = st.floats(0, 1)


@LAWS
@given(LATENTS, LATENTS, TIMES)
def test_lerp_is_the_straight_way(a: Any, b: Any, t: float) -> None:
    assert np.array_equal(lerp(a, b, 0.0), a)
    assert np.array_equal(lerp(a, b, 1.0), b)
    assert np.allclose(lerp(a, b, t), a + t * (b - a), rtol=0, atol=1e-14)


@LAWS
@given(LATENTS, LATENTS, TIMES)
def test_slerp_keeps_the_length_and_turns_evenly(a: Any, b: Any, t: float) -> None:
    assume(min(np.linalg.norm(a), np.linalg.norm(b)) > 0.1)
    a, b = a / np.linalg.norm(a), b / np.linalg.norm(b)
    angle = math.acos(float(np.clip(a @ b, -1, 1)))
    assume(0.01 < angle < math.pi - 0.01)
    at = slerp(a, b, t)
    assert math.isclose(float(np.linalg.norm(at)), 1.0, abs_tol=1e-9)
    assert math.isclose(math.acos(float(np.clip(a @ at, -1, 1))), t * angle, abs_tol=1e-6)
    assert np.array_equal(slerp(a, b, 0.0), a)
    assert np.array_equal(slerp(a, b, 1.0), b)


@pytest.mark.parametrize(
    ("a", "b"), [([1.0, 2.0], [2.0, 4.0]), ([1.0, 0.0], [-1.0, 0.0]), ([0.0, 0.0], [1.0, 1.0])]
)
def test_slerp_goes_straight_where_there_is_no_circle(a: list[float], b: list[float]) -> None:
    assert np.array_equal(slerp(a, b, 0.25), lerp(a, b, 0.25))


@pytest.mark.parametrize("way", [lerp, slerp])
def test_many_times_give_many_latents(way: Any) -> None:
    t = np.linspace(0, 1, 7)
    every = way([1.0, 2.0, 3.0], [3.0, -1.0, 0.0], t)
    assert every.shape == (7, 3)
    for row, one in zip(every, t, strict=True):
        assert np.array_equal(row, way([1.0, 2.0, 3.0], [3.0, -1.0, 0.0], one))


@pytest.mark.parametrize("way", [lerp, slerp])
def test_latents_of_different_lengths_are_refused(way: Any) -> None:
    with pytest.raises(InvalidRequestError, match="2 and 3 values"):
        way([1.0, 2.0], [1.0, 2.0, 3.0], 0.5)


@pytest.mark.parametrize("name", ["latents.json", "latents.npz"])
def test_latents_come_back_bit_for_bit(tmp_path: Path, name: str) -> None:
    cppn = tc.CPPN.from_preset("hardmaru")
    a, b, c = (cppn.seeded_latent(seed) for seed in range(3))
    saved = {"cat": a, "fat dog": a + (b - c), "none": np.zeros(0)}
    save_latents(tmp_path / name, saved)
    loaded = load_latents(str(tmp_path / name))
    assert list(loaded) == list(saved)
    for key in saved:
        assert np.array_equal(loaded[key], saved[key])


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.json", b"no JSON"),
        ("a.json", b"[1, 2]"),
        ("a.json", b'{"a": "b"}'),
        ("a.json", b'{"a": [1, [2]]}'),
        ("a.json", b'{"a": [[1, 2]]}'),
        ("a.json", b'{"a": [NaN]}'),
        ("a.json", b"\xff\xfe"),
        ("a.npz", b"PK\x03\x04 damaged"),
        ("a.npz", b""),
        ("a.npz", pickle.dumps({"a": [1.0]})),
        ("a.txt", b"{}"),
    ],
)
def test_what_is_no_file_of_latents_is_refused_in_one_line(
    tmp_path: Path, name: str, content: bytes
) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InvalidRequestError) as caught:
        load_latents(tmp_path / name)
    assert name in str(caught.value)


def test_objects_in_an_npz_are_not_opened(tmp_path: Path) -> None:
    np.savez(tmp_path / "a.npz", a=np.array([{}], dtype=object))
    with pytest.raises(InvalidRequestError, match="not a file of latents"):
        load_latents(tmp_path / "a.npz")


def test_missing_files_and_other_suffixes_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match="cannot be read"):
        load_latents(tmp_path / "nowhere.json")
    with pytest.raises(InvalidRequestError, match=r"\.json or \.npz"):
        save_latents(tmp_path / "a.pickle", {"a": [1.0]})
    with pytest.raises(InvalidRequestError, match="finite"):
        save_latents(tmp_path / "a.json", {"a": [math.inf]})


def test_json_can_be_read_by_people(tmp_path: Path) -> None:
    save_latents(tmp_path / "a.json", {"a": [0.5, 1.0]})
    assert json.loads((tmp_path / "a.json").read_text()) == {"a": [0.5, 1.0]}


# In a scene

TOML = "[cppn]\nz_dim = 3\nwidth = 2\ndepth = 1\n[latent]\n"


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    save_latents(tmp_path / "zoo.json", {"cat": [0.5, -1.0, 0.25], "dog": [1.0, 2.0, 3.0]})
    save_latents(tmp_path / "one.npz", {"only": [0.0, 1.0, 2.0]})
    return tmp_path


def test_a_scene_takes_a_latent_from_a_file(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (saved / "a.toml").write_text(TOML + 'z = "zoo.json#cat"')
    scene = tc.Scene.load(saved / "a.toml")
    assert scene.z.tolist() == [0.5, -1.0, 0.25]
    assert "zoo" not in scene.to_toml()  # it is whole without the file
    assert tc.Scene.parse(scene.to_toml()) == scene
    other = tc.Scene.load(saved / "a.toml", ["latent.z=one.npz#only"])
    assert other.z.tolist() == [0.0, 1.0, 2.0]
    alone = tc.Scene.parse(TOML + 'z = "one.npz"', folder=saved)
    assert alone.z.tolist() == [0.0, 1.0, 2.0]
    monkeypatch.chdir(saved)
    assert scene.replace(latent={"z": "zoo.json#dog"}).z[2] == 3.0


@pytest.mark.parametrize(
    ("key", "words"),
    [
        ('z = "zoo.json"', "must end in # and one of cat, dog"),
        ('z = "zoo.json#cow"', "one of cat, dog"),
        ('z = ""', "list of finite numbers"),
        ('z = "nowhere.json#cat"', "cannot be read"),
        ('z = "a.toml"', ".json or .npz"),
        ('z = "four.json#z"', "must have 3"),
    ],
)
def test_latents_that_a_scene_cannot_take_are_refused(saved: Path, key: str, words: str) -> None:
    save_latents(saved / "four.json", {"z": [0.0] * 4})
    with pytest.raises(InvalidRequestError) as caught:
        tc.Scene.parse(TOML + key, folder=saved)
    assert words in str(caught.value)


def test_a_stored_scenes_path_is_not_followed(saved: Path) -> None:
    network = tc.Scene.parse(TOML).cppn.to_bytes()
    with pytest.raises(InvalidRequestError, match="not a path"):
        tc.Scene.parse(TOML + f'z = "{saved}/one.npz"', embedded=network)


def test_an_npz_that_unpacks_to_more_than_a_file_may_hold_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "bomb.npz"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.npy", bytes(latents.MAX_BYTES + 1))
    with pytest.raises(InvalidRequestError, match="more than"):
        load_latents(path)
