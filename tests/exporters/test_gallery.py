"""`tc.gallery`: one scene with many seeds; tests/cli has what the sheet looks like."""

import numpy as np
import pytest

import tilecppn as tc
from tests.conftest import SMALL_NET
from tilecppn.exporters.contact_sheet import GAP, sheet_size
from tilecppn.exporters.gallery import gallery
from tilecppn.scene.scene import Scene

SCENE = Scene.of(cppn=SMALL_NET, canvas={"width": 300, "height": 300})


def test_a_gallery_is_an_array() -> None:
    sheet = tc.gallery(SCENE, seeds=[1, 2], latents=[3, 4, 5], width=100)
    assert sheet.shape == (*sheet_size(6, 3, (100, 100), 2)[::-1], 3)
    first = sheet[GAP : GAP + 100, GAP : GAP + 100]
    picture = SCENE.replace(cppn={"seed": 1}, latent={"seed": 3})
    assert np.array_equal(first, tc.preview(picture, 100))


def test_seeds_that_change_nothing_are_refused() -> None:
    with pytest.raises(tc.InvalidRequestError, match="latents"):
        gallery(SCENE.replace(cppn=SCENE.cppn), seeds=[1])
    with pytest.raises(tc.InvalidRequestError, match=r"latent\.z"):
        gallery(SCENE.replace(latent={"z": [0.0] * 8}), latents=[1])
    with pytest.raises(tc.InvalidRequestError, match="at least one"):
        gallery(SCENE, seeds=[])
