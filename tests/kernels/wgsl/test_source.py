"""The source of shaders: numbers are exact, tables are whole, and GLSL follows from WGSL."""

import re

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tilecppn.cppn.activations import ACTIVATIONS
from tilecppn.cppn.detail_activations import DETAIL_ACTIVATIONS
from tilecppn.kernels import EvaluationContext
from tilecppn.kernels.wgsl import data_of, glsl_of, program_of
from tilecppn.kernels.wgsl.activations import DIFFERENCES, FUNCTIONS, LIBRARY
from tilecppn.kernels.wgsl.data import differences_of
from tilecppn.kernels.wgsl.reference import REFERENCES, references
from tilecppn.kernels.wgsl.shape import Shape
from tilecppn.kernels.wgsl.text import number, with_called
from tilecppn.scene.scene import Scene


def test_every_activation_has_a_function_and_detail_its_difference() -> None:
    assert set(FUNCTIONS) == set(ACTIVATIONS)
    assert set(FUNCTIONS.values()) | set(DIFFERENCES.values()) <= set(LIBRARY)
    assert set(DIFFERENCES) == set(REFERENCES) == set(DETAIL_ACTIVATIONS)


@given(st.floats(width=32, allow_nan=False, allow_infinity=False))
def test_a_literal_is_the_number(value: float) -> None:
    assert np.float32(float(number(value))) == np.float32(value)
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]\d+)?", number(value))
    assert "." in number(value) or "e" in number(value)


def test_a_function_comes_after_those_it_calls_and_once() -> None:
    text = with_called("cppn_sigmoid_sin(x) + cppn_sigmoid(x)", LIBRARY)
    names = re.findall(r"^fn (\w+)\(", text, flags=re.MULTILINE)
    assert names == ["cppn_exp", "cppn_sigmoid", "cppn_sin", "cppn_sigmoid_sin"]
    assert text.endswith("}\ncppn_sigmoid_sin(x) + cppn_sigmoid(x)")


def test_glsl_is_translated_word_by_word() -> None:
    wgsl = (
        "const N: f32 = 2.0;\n"
        "fn f(k: i32, x: vec4f) -> vec3f {\n"
        "  var h: array<vec4f, 3>;\n"
        "  let y: f32 = f32(k) * N;\n"
        "  for (var i: i32 = 0; i < 3; i = i + 1) { h[i] = y * x; }\n"
        "  return h[1].xyz;\n}"
    )
    assert glsl_of(wgsl) == (
        "const float N = 2.0;\n"
        "vec3 f(int k, vec4 x) {\n"
        "  vec4 h[3];\n"
        "  float y = float(k) * N;\n"
        "  for (int i = 0; i < 3; i = i + 1) { h[i] = y * x; }\n"
        "  return h[1].xyz;\n}"
    )


@pytest.mark.parametrize("preset", ["hardmaru", "hardmaru-gan-vae", "tide"])
def test_no_word_of_wgsl_is_left_in_glsl(preset: str) -> None:
    scene = Scene.of(cppn={"preset": preset}, view={"repeat": "x"})
    text = glsl_of(program_of(scene, data_of(scene).shape).source)
    assert not re.search(r"\b(fn|let|var|f32|i32|vec\df|mat4x4f|array)\b|->", text)


def test_rows_follow_each_other_without_a_gap() -> None:
    scene = Scene.of(cppn={"preset": "ink"}, view={"radial": 7})
    shape = Shape.of(scene, 9)
    for i in range(9):
        assert shape.weights(i + 1) == shape.weights(i) + shape.vectors * shape.inputs(i)
    assert shape.factors(9) == shape.readout(0)
    assert shape.readout(9) == shape.weights(0)
    assert shape.weights(9) == shape.rows


def test_layers_that_need_no_differences_have_biases_and_the_first_of_them_its_sums() -> None:
    scene = Scene.of(cppn={"preset": "ink"}, canvas={"width": 64, "height": 64})
    context, middle = EvaluationContext.of(scene), np.array([31.5])
    layers, shape = context.network.layers, Shape.of(scene, len(context.network.layers))
    every: list[np.ndarray] = []
    context.network.colour(*context.points(middle, middle), every)
    for differences in (0, 3, len(layers)):
        rows = references(context, context.network, shape, middle, middle, differences).rows[0]
        for i, layer in enumerate(layers):
            found = rows[shape.reference(i) : shape.reference(i + 1) : 2].ravel()
            if i >= differences:
                sums = every[i][0] if i == differences else layer.bias
                assert found[: len(sums)] == pytest.approx(sums, rel=1e-5, abs=1e-6)
            else:
                assert np.abs(found).max() <= 1.0 or "gaussian" in dict(layer.groups)


def test_a_reference_has_the_fades_with_what_its_differences_start_from() -> None:
    scene = Scene.of(cppn={"preset": "ink"}, canvas={"width": 64, "height": 64})
    context, middle = EvaluationContext.of(scene), np.array([31.5])
    network, points = context.network, context.points(middle, middle)
    shape, layers = Shape.of(scene, len(network.layers)), network.layers
    values = [h[0] for _, h in network.hidden(*points)]
    assert {layer.fade is None for layer in layers} == {True, False}
    for differences in (0, len(layers)):
        rows = references(context, network, shape, middle, middle, differences).rows[0]
        total = network.bias
        for i, layer in enumerate(layers):
            *offset, start = rows[shape.fade(i)]
            read = layer.readout @ values[i] if differences and layer.readout is not None else 0.0
            if layer.fade is None:
                assert start >= 1e9
                assert not any(offset)
                total = total + read
            else:
                assert start == pytest.approx(layer.fade.start)
                assert offset[: shape.channels] == pytest.approx(layer.fade.offset + read, abs=1e-6)
        found = rows[shape.outputs][: shape.channels]
        assert found == pytest.approx(total, rel=1e-5, abs=1e-6)


def test_a_network_faded_evenly_is_that_of_the_whole_pictures_fineness() -> None:
    scene = Scene.of(cppn={"preset": "jupiter"}, canvas={"width": 64, "height": 64})
    network = EvaluationContext.of(scene).network
    even = network.evenly_faded()
    assert len(even.layers) < len(network.layers)
    assert all(layer.fade is None for layer in even.layers)
    x, y = np.linspace(-1.0, 1.0, 9), np.linspace(0.5, -0.7, 9)
    points = x, y, np.hypot(x, y)
    assert even.colour(*points) == pytest.approx(network.colour(*points), abs=1e-12)


def test_latent_and_view_change_numbers_and_no_text() -> None:
    scene = Scene.of(cppn={"preset": "jupiter"}, canvas={"width": 64, "height": 64})
    other = scene.replace(latent={"seed": 5}, view={"scale": 0.9})
    shape = data_of(scene).shape
    assert program_of(scene, shape) == program_of(other, shape)
    assert not np.array_equal(data_of(scene).rows[:200], data_of(other).rows[:200])


@pytest.mark.parametrize(("zoom", "least"), [(1.0, 0), (1e3, 4), (1e5, 8)])
def test_views_far_inside_evaluate_differences(zoom: float, least: int) -> None:
    """Also at the origin, where coordinates are small numbers."""
    canvas = {"width": 96, "height": 64}
    scene = Scene.of(cppn={"preset": "jupiter"}, canvas=canvas, view={"scale": 1.2 / zoom})
    assert least <= differences_of(scene) <= 2 * least
