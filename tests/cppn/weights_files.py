"""Weights files for the tests that edit and damage them."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st

from tilecppn.cppn.network import CPPN
from tilecppn.errors import WeightsError

LAWS = settings(max_examples=100)


NET = CPPN.from_preset("hardmaru", seed=5, width=6, depth=2, z_dim=3, channels=3)


BYTES = NET.to_bytes()


HEADER = int.from_bytes(BYTES[:8], "little")


def record_of(data: bytes) -> dict[str, Any]:
    """Our metadata, by the format's own rule: eight bytes of length, then JSON."""
    header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
    record = json.loads(header["__metadata__"]["tilecppn"])
    assert isinstance(record, dict)
    return record


def complaint(data: bytes, name: str) -> str | None:
    """Why bytes are refused; None if they are not."""
    try:
        CPPN.from_bytes(data, name)
    except WeightsError as error:
        return str(error)
    return None


def refusal(path: Path) -> str:
    """The text with which a file is refused: one line, with the file's name."""
    with pytest.raises(WeightsError) as caught:
        CPPN.load(path)
    text = str(caught.value)
    assert str(path) in text
    assert "\n" not in text
    assert caught.value.exit_code == 2
    return text


JSON = st.recursive(
    st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.floats(),
        st.text(max_size=5),
        st.sampled_from(["tanh", "uniform", "x", "scale"]),
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3), st.dictionaries(st.text(max_size=5), inner, max_size=2)
    ),
    max_leaves=4,
)
