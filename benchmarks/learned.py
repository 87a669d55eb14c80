"""Measures a model trained on `digits`: python -m benchmarks.learned MODEL.safetensors

Reconstruction: mean squared error of the centre crops after encoder and generator, relative to the
error of the mean image. Samples: how a support vector machine, trained on the real digits,
classifies 1,000 pictures of latents from N(0, 1).
"""

import argparse
import json
from pathlib import Path

import numpy as np
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

from tilecppn.cppn import CPPN
from tilecppn.cppn.encoder import Encoder
from tilecppn.cppn.seeding import inverse_normal, uniforms
from tilecppn.scene.sections import Canvas, View
from tilecppn.scene.view import Grid
from tilecppn.train.data.digits import read_digits

SAMPLES = 1000
CROPS = 3  # of each digit, at random places, for the classifier


def report(model: Path) -> dict[str, object]:
    """Return all figures of a model by name."""
    cppn, encoder, digits = CPPN.load(model), Encoder.load(model), read_digits()
    side = encoder.side
    assert digits.labels is not None
    real = digits.centre(np.arange(len(digits)), side)
    drawn = draw(cppn, np.stack([encoder(image) for image in real]), side)
    mean = np.square(real - real.mean(0)).mean()
    rng = np.random.default_rng(0)
    indices = np.tile(np.arange(len(digits)), CROPS)
    crops = digits.crops(indices, side, rng.random((len(indices), 2))).reshape(len(indices), -1)
    labels = digits.labels[indices]
    learn, check = train_test_split(np.arange(len(digits)), test_size=0.2, random_state=0)
    judge = SVC(C=10).fit(crops[np.isin(indices, learn)], labels[np.isin(indices, learn)])
    accuracy = judge.score(real[check].reshape(len(check), -1), digits.labels[check])
    z = inverse_normal(uniforms(1, 0, SAMPLES * cppn.structure.z_dim)).reshape(SAMPLES, -1)
    found = np.bincount(judge.predict(draw(cppn, z, side).reshape(SAMPLES, -1)), minlength=10)
    return {
        "reconstruction error of the mean image's": round(
            float(np.square(real - drawn).mean() / mean), 4
        ),
        "classifier's accuracy on real digits": round(float(accuracy), 4),
        "samples by class": found.tolist(),
        "largest share": round(float(found.max() / SAMPLES), 4),
    }


def draw(cppn: CPPN, z: np.ndarray, side: int) -> np.ndarray:
    """Draw pictures (n, side, side, 1) of latents (n, z_dim) by the reference."""
    grid = Grid.of(View(**cppn.structure.view), Canvas(side, side))
    index = np.arange(side, dtype=np.float64)
    x, y = grid.points(index[:, None], index[None, :])
    return np.stack([cppn(x, y, latent) for latent in z])


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("model", type=Path)
    print(json.dumps(report(parser.parse_args().model), indent=1))
