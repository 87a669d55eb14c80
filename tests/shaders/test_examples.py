"""The guide's examples of the function alone draw the picture, as far as a browser can tell."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest

from tests.shaders.conftest import Live, check_close, oracle
from tests.shaders.glsl import draw_glsl
from tests.shaders.test_write import SMALL, WGSL
from tilecppn.scene.scene import Scene
from tilecppn.shaders import shader

GUIDE = Path(__file__).parents[2] / "docs" / "howto" / "shader.md"
SIDE = 32  # of a square, since the example of three.js fills one
# What each program puts around a shader, and a stand-in for it.
PLACES = {
    "mainImage": (
        "const vec3 iResolution = vec3(32.0, 32.0, 1.0);",
        "out vec4 shown; void main() { mainImage(shown, gl_FragCoord.xy); }",
        "void main() { gl_Position = vec4(corners[gl_VertexID], 0.0, 1.0); }",
    ),
    "TDOutputSwizzle": (
        """in vec3 vUV;
        struct Info { vec4 res; }; const Info uTDOutputInfo = Info(vec4(1.0, 1.0, 32.0, 32.0));
        vec4 TDOutputSwizzle(vec4 colour) { return colour; }""",
        "",
        """out vec3 vUV; void main() {
            vUV = vec3(0.5 + 0.5 * corners[gl_VertexID], 0.0);
            gl_Position = vec4(corners[gl_VertexID], 0.0, 1.0); }""",
    ),
}
MATERIAL = """([first, block]) => {
  class ShaderMaterial { constructor(made) { this.made = made; } }
  const THREE = { GLSL3: "300 es", ShaderMaterial };
  const { made } = new Function("THREE", "first", `${block}; return material;`)(THREE, first);
  return [made.glslVersion, made.vertexShader, made.fragmentShader];
}"""


def block(language: str, word: str) -> str:
    """The example in the guide that has the word."""
    blocks = re.findall(rf"```{language}\n(.*?)```", GUIDE.read_text(encoding="utf-8"), re.DOTALL)
    (found,) = (text for text in blocks if word in text)
    return str(found)


def scene() -> Scene:
    return Scene.of(**SMALL).replace(
        canvas={"width": SIDE, "height": SIDE}, view={"grid": "centers"}
    )


def check_drawn(live: Live, vertex: str, fragment: str) -> None:
    check_close(draw_glsl(live, vertex, fragment, SIDE, SIDE), oracle(scene()))


@pytest.mark.parametrize("word", list(PLACES))
def test_glsl(word: str, live: Live, tmp_path: Path) -> None:
    before, after, vertex = PLACES[word]
    text = shader(scene(), tmp_path / "a.glsl").read_text()
    check_drawn(live, vertex, "\n".join([before, text, block("glsl", word), after]))


def test_three_js(live: Live, tmp_path: Path) -> None:
    text = shader(scene(), tmp_path / "a.glsl").read_text()
    example = block("js", "ShaderMaterial")
    version, vertex, fragment = live.page.evaluate(MATERIAL, [text, example])
    assert version == "300 es"
    position = "#define position vec3(corners[gl_VertexID], 0.0)\n"
    uv = "#define uv (0.5 + 0.5 * position.xy)\n"
    check_drawn(live, position + uv + vertex, fragment)


def test_webgpu(live: Live, tmp_path: Path) -> None:
    text = shader(scene(), tmp_path / "a.wgsl").read_text()
    example = block("wgsl", "@fragment").replace("1280.0, 720.0", f"{SIDE}.0, {SIDE}.0")
    called = f"{text}\n{example}".replace("@fragment", "").replace("@builtin(position)", "")
    called = called.replace("-> @location(0) vec4f", "-> vec4f")
    (tmp_path / "blank.html").write_text("<title>-</title>")
    live.page.goto((tmp_path / "blank.html").as_uri())
    code = WGSL.replace(
        "vec4f(tilecppn(vec2f(q.x, -q.y)), 1.0)", "pixel(vec4f(vec2f(i.xy) + 0.5, 0.0, 1.0))"
    )
    assert code != WGSL
    values = live.page.evaluate(code, [called, SIDE, SIDE])
    assert not isinstance(values, str), values
    pixels = np.rint(255.0 * np.array(values)).astype(np.uint8).reshape(SIDE, SIDE, 4)[:, :, :3]
    check_close(pixels, oracle(scene()))
