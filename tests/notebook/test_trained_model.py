"""What a trained model is used for: encode, draw at any size, morph, images by label."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.numpy import load_file, save_file

import tilecppn as tc
from tests.cli.conftest import Cli, cli
from tests.train.runs import images, train
from tilecppn.cppn.encoder import Encoder
from tilecppn.cppn.weights_file import metadata
from tilecppn.errors import DataError, InvalidRequestError, SceneError, WeightsError
from tilecppn.notebook.images import encoder_input
from tilecppn.notebook.sampler import Sampler
from tilecppn.train.model import Networks
from tilecppn.train.settings import Settings

__all__ = ["cli"]  # a fixture


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("model")
    train(folder, {"epochs": 1})
    return folder / "m.safetensors"


@pytest.fixture
def sampler(model: Path) -> Sampler:
    return Sampler.load(model, images(), seed=0)


def test_the_encoder_is_the_trained_one(tmp_path: Path) -> None:
    """Float64 NumPy against torch, at the originals' size and in colour."""
    networks = Networks.fresh(Settings(seed=3), 26, 3)
    (tmp_path / "m.safetensors").write_bytes(networks.to_bytes({}))
    encoder = Encoder.load(tmp_path / "m.safetensors")
    image = np.random.default_rng(0).random((26, 26, 3)).astype(np.float32)
    assert networks.q is not None
    mean, _ = networks.q(torch.tensor(image[None]), torch.Generator())
    assert (encoder.side, encoder.channels) == (26, 3)
    np.testing.assert_allclose(encoder(image), mean[0].detach().numpy(), atol=1e-5)


def test_encode_takes_images_of_any_size(sampler: Sampler) -> None:
    image = np.random.default_rng(1).random((8, 8, 1))
    z = sampler.encode(image)
    assert z.shape == (3,)
    np.testing.assert_allclose(sampler.encode(image[..., 0]), z)
    # Up to two pixels larger: its middle.
    np.testing.assert_allclose(sampler.encode(np.pad(image[..., 0], 1)), z)
    # Larger: scaled. Each pixel three times gives the same image again, nearly.
    large = image[..., 0].repeat(3, 0).repeat(3, 1)
    np.testing.assert_allclose(sampler.encode(np.pad(large, ((0, 0), (9, 9)))), z, atol=0.1)
    # Bytes count from 0 to 255, and colour becomes grey.
    eight = np.rint(image * 255).astype(np.uint8)
    np.testing.assert_allclose(sampler.encode(eight), z, atol=0.01)
    np.testing.assert_allclose(sampler.encode(eight.repeat(3, 2)), z, atol=0.01)
    np.testing.assert_allclose(sampler.encode(Image.fromarray(eight[..., 0])), z, atol=0.01)


def test_images_that_cannot_be_encoded(sampler: Sampler) -> None:
    for shape in ((8,), (8, 8, 2), (0, 8), (2, 8, 8, 1)):
        with pytest.raises(InvalidRequestError, match="must be"):
            sampler.encode(np.zeros(shape))
    with pytest.raises(SceneError, match="must be"):
        sampler.trained_model.encoder(np.zeros((9, 9)))


def test_grey_is_luma() -> None:
    red = np.zeros((8, 8, 3))
    red[..., 0] = 1.0
    np.testing.assert_allclose(encoder_input(red, 8, 1), 0.299)
    np.testing.assert_allclose(encoder_input(np.full((8, 8), 0.5), 8, 3), 0.5)


def test_reconstruction_and_arithmetic_at_any_size(sampler: Sampler) -> None:
    z = sampler.encode(sampler.get_random())
    small = sampler.generate(z, x_dim=8, y_dim=8)
    large = sampler.generate(z, x_dim=50, y_dim=50)
    assert (small.shape, large.shape) == ((8, 8, 1), (50, 50, 1))
    # Both span the plane from end to end: 49 = 7 · 7, so every seventh pixel is the same point.
    np.testing.assert_allclose(large[::7, ::7], small, atol=1e-5)
    other = sampler.encode(sampler.get_random())
    moved = z + (other - sampler.generate_z())
    assert sampler.generate(moved, 8, 8).shape == (8, 8, 1)


def test_images_by_label(sampler: Sampler) -> None:
    data = images()
    even = data.crops(np.array([0, 2, 4, 6, 8]), 10, np.zeros((5, 2)))
    for label in ("even", "odd"):
        image = sampler.get_random_specific(label)
        assert image.shape == (8, 8, 1)
        inside = [
            np.allclose(whole[i : i + 8, j : j + 8], image)
            for whole in even
            for i in range(3)
            for j in range(3)
        ]
        assert any(inside) == (label == "even")
    with pytest.raises(DataError, match='no label "7"'):
        sampler.get_random_specific(7)
    assert sampler.get_random_mnist().shape == (8, 8, 1)


def test_a_model_knows_its_data_where_that_is_a_word(tmp_path: Path) -> None:
    networks = Networks.fresh(Settings(), 26, 1)
    path = tmp_path / "m.safetensors"
    path.write_bytes(networks.to_bytes({"data": "digits", "size": 26}))
    sampler = Sampler.load(path, seed=1)
    assert sampler.get_random_specific(7).shape == (26, 26, 1)
    path.write_bytes(networks.to_bytes({"data": "photos/", "size": 26}))
    with pytest.raises(DataError, match="say where its images are"):
        Sampler.load(path).get_random()
    with pytest.raises(DataError, match="is not what"):
        Sampler.load(path, images()).get_random()


def test_the_note_of_the_training(model: Path) -> None:
    note = json.loads(metadata(model.read_bytes())["tilecppn"])["training"]
    assert (note["data"], note["size"], note["batches"]) == ("test", 8, 2)
    assert note["settings"]["z_dim"] == 3


def test_without_an_encoder_it_says_so(tmp_path: Path) -> None:
    train(tmp_path, {"model": "gan", "epochs": 1})
    sampler = Sampler.load(tmp_path / "m.safetensors")
    assert sampler.generate(x_dim=8, y_dim=8).shape == (8, 8, 1)
    with pytest.raises(WeightsError, match='has no encoder; train with model="vae" or gan-vae'):
        sampler.encode(np.zeros((8, 8)))
    with pytest.raises(InvalidRequestError, match="was not trained"):
        Sampler(seed=0).encode(np.zeros((8, 8)))


@pytest.mark.parametrize("what", ["missing", "shape", "NaN"])
def test_a_spoiled_encoder_is_refused(tmp_path: Path, model: Path, what: str) -> None:
    tensors = load_file(model)
    if what == "missing":
        del tensors["encoder.mean.weight"]
    elif what == "shape":
        tensors["encoder.mean.weight"] = tensors["encoder.mean.weight"][:2]
    else:
        tensors["encoder.hidden.0.weight"][0, 0] = np.nan
    path = tmp_path / "m.safetensors"
    save_file(tensors, path, metadata=metadata(model.read_bytes()))
    with pytest.raises(WeightsError, match="its encoder"):
        Sampler.load(path).encode(np.zeros((8, 8)))


# The verbs.


def test_encode_prints_a_scene(model: Path, cli: Cli) -> None:
    pixels = images().pixels[0, 1:9, 1:9, 0]
    Image.fromarray(pixels).save("in.png")
    done = cli("encode", model, "in.png")
    assert done.exit_code == 0, done.stderr
    Path("scene.toml").write_text(done.stdout)
    scene = tc.Scene.load("scene.toml")
    np.testing.assert_allclose(scene.z, Sampler.load(model).encode(pixels))
    assert scene.view.scale == 8.0
    assert json.loads(cli("encode", model, "in.png", "--json").stdout)["z"] == scene.z.tolist()
    Image.fromarray(255 - pixels).save("negative.png")
    inverted = cli("encode", model, "negative.png", "--invert", "--json")
    assert json.loads(inverted.stdout)["z"] == scene.z.tolist()


def test_morph_writes_a_gif(model: Path, cli: Cli) -> None:
    Image.fromarray(images().pixels[0, ..., 0]).save("in.png")
    command = ("morph", model, "in.png", 5, 6, "-o", "a.gif", "--frames", 4, "--size", 16)
    done = cli(*command, "--loop", "--json")
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout) == {"file": "a.gif", "frames": 12, "seconds": 12 * 0.1}
    with Image.open("a.gif") as gif:
        assert gif.size == (16, 16)
    again = cli(*command)
    assert again.exit_code == 2
    assert "--overwrite" in again.stderr
    assert cli(*command, "--overwrite").exit_code == 0
    with Image.open("a.gif") as gif:
        assert gif.n_frames < 12  # type: ignore[attr-defined]


def test_morph_overwrites_its_own_gifs_only(model: Path, cli: Cli) -> None:
    Image.new("L", (4, 4)).save("holiday.gif")
    Path("link.gif").symlink_to("holiday.gif")
    before = Path("holiday.gif").read_bytes()
    for name in ("holiday.gif", "link.gif"):
        done = cli("morph", model, 5, 6, "-o", name, "--overwrite", "--size", 16)
        assert done.exit_code == 2
        assert "choose another path" in done.stderr
    assert Path("holiday.gif").read_bytes() == before


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("encode", "none.safetensors", "in.png"), "none.safetensors: cannot be read"),
        (("encode", "MODEL", "none.png"), "none.png: cannot be read as an image"),
        (("morph", "MODEL", "1", "-o", "a.gif"), "needs two waypoints"),
        (("morph", "MODEL", "1", "2", "-o", "a.mp4"), "a morph is a GIF"),
        (("morph", "MODEL", "1", "none.png", "-o", "a.gif"), "none.png: cannot be read"),
        (("train", "digit", "-o", "n.safetensors"), "digit: is not there; DATA is a folder"),
        (("train", "digits", "-o", "n.safetensors", "--model", "gin"), '--model = "gin": must be'),
        (("train", "digits", "-o", "n.safetensors", "--epochs", "0"), "--epochs = 0: must be"),
        (("train", "digits", "-o", "n.safetensors", "--activations", "tan"), "--activations"),
        (("train", "digits", "-o", "n.safetensors", "--resize", "20"), "leave --resize out"),
    ],
)
def test_mistakes_are_one_line(
    model: Path, cli: Cli, arguments: tuple[str, ...], says: str
) -> None:
    done = cli(*(model if a == "MODEL" else a for a in arguments))
    assert done.exit_code == 2, done.output
    assert says in done.stderr
    assert done.stdout == ""
    assert len([line for line in done.stderr.splitlines() if line.startswith("error")]) == 1
    assert not list(Path().iterdir())
