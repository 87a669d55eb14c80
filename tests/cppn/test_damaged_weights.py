"""Weights files that are damaged, foreign or hostile."""

import json
import pickle
import zipfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from safetensors.numpy import load as load_tensors

from tests.cppn.weights_files import BYTES, HEADER, LAWS, complaint, record_of, refusal
from tilecppn.cppn.network import CPPN
from tilecppn.errors import WeightsError


@LAWS
@given(st.binary(min_size=1, max_size=50))
def test_file_with_something_behind_it_is_refused(more: bytes) -> None:
    with pytest.raises(WeightsError, match=r"long\.safetensors"):
        CPPN.from_bytes(BYTES + more, "long.safetensors")


@settings(LAWS, max_examples=400)
@given(st.integers(0, 8 + HEADER - 1), st.integers(1, 255))
def test_damaged_header_is_refused_or_still_a_network(place: int, flip: int) -> None:
    data = bytearray(BYTES)
    data[place] ^= flip
    text = complaint(bytes(data), "damaged.safetensors")
    assert text is None or ("damaged.safetensors" in text and "\n" not in text)


@LAWS
@given(st.binary(max_size=200))
@example(b"")
@example(b"\x00" * 8)
@example(b"\xff" * 16)
@example((2).to_bytes(8, "little") + b"{}")
@example((2).to_bytes(8, "little") + b"[]")
@example((2).to_bytes(8, "little") + b"\xff\xff")
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(WeightsError, match="noise"):
        CPPN.from_bytes(data, "noise")


class Bomb:
    """A pickle that would say so if it were opened."""

    def __reduce__(self) -> tuple[Any, ...]:
        return exec, ("raise SystemExit('a pickle was opened')",)


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_pickle_is_refused_and_never_opened(tmp_path: Path, protocol: int) -> None:
    path = tmp_path / "net.safetensors"
    path.write_bytes(pickle.dumps(Bomb(), protocol))
    text = refusal(path)
    if protocol >= 2:  # older ones carry no mark of their own
        assert "pickle" in text


@pytest.mark.parametrize("zipped", [True, False])
def test_torch_save_is_refused(tmp_path: Path, zipped: bool) -> None:
    torch = pytest.importorskip("torch")
    path = tmp_path / "net.safetensors"
    torch.save({"layers.0.weight": torch.zeros(2, 2)}, path, _use_new_zipfile_serialization=zipped)
    assert zipfile.is_zipfile(path) == zipped
    assert "pickle" in refusal(path)


def test_empty_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "empty.safetensors"
    path.touch()
    refusal(path)


def test_text_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "scene.toml"
    path.write_text("[cppn]\nseed = 1\n")
    refusal(path)


def test_folder_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path)


def test_missing_file_is_refused(tmp_path: Path) -> None:
    assert "cannot be read" in refusal(tmp_path / "nowhere.safetensors")


def test_path_that_no_file_can_have_is_refused(tmp_path: Path) -> None:
    refusal(tmp_path / "a\0b")


@pytest.mark.parametrize("kind", ["bfloat16", "float8_e4m3fn", "bool", "complex64"])
def test_tensors_of_other_kinds_are_refused_by_name(tmp_path: Path, kind: str) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save

    tensors = {k: torch.from_numpy(v.copy()) for k, v in load_tensors(BYTES).items()}
    tensors["layers.1.bias"] = torch.zeros(6).to(getattr(torch, kind))
    path = tmp_path / "kind.safetensors"
    path.write_bytes(save(tensors, metadata={"tilecppn": json.dumps(record_of(BYTES))}))
    refusal(path)
