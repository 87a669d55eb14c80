"""Draws with shaders in GLSL in a browser, by nothing but WebGL2."""

import numpy as np
from numpy.typing import NDArray

from tests.shaders.conftest import Live

HEAD = "#version 300 es\nprecision highp float;\nprecision highp int;\n"
CORNERS = """
const vec2[3] corners = vec2[3](vec2(-1.0, -1.0), vec2(3.0, -1.0), vec2(-1.0, 3.0));
"""
DRAW = """([vertex, fragment, width, height]) => {
  const canvas = document.createElement("canvas");
  canvas.width = width; canvas.height = height;
  const gl = canvas.getContext("webgl2", { preserveDrawingBuffer: true });
  const program = gl.createProgram();
  for (const [kind, text] of [[gl.VERTEX_SHADER, vertex], [gl.FRAGMENT_SHADER, fragment]]) {
    const shader = gl.createShader(kind);
    gl.shaderSource(shader, text); gl.compileShader(shader); gl.attachShader(program, shader);
    if (!gl.getShaderParameter(shader, gl.COMPILE_STATUS)) return gl.getShaderInfoLog(shader);
  }
  gl.linkProgram(program); gl.useProgram(program); gl.drawArrays(gl.TRIANGLES, 0, 3);
  const pixels = new Uint8Array(4 * width * height);
  gl.readPixels(0, 0, width, height, gl.RGBA, gl.UNSIGNED_BYTE, pixels);
  return Array.from(pixels);
}"""


def draw_glsl(live: Live, vertex: str, fragment: str, width: int, height: int) -> NDArray[np.uint8]:
    """What the shaders draw, (height, width, 3).

    vertex: has `corners`, of a triangle over all of it.
    """
    texts = [HEAD + CORNERS + vertex, HEAD + fragment]
    values = live.page.evaluate(DRAW, [*texts, width, height])
    assert not isinstance(values, str), values
    return np.array(values, np.uint8).reshape(height, width, 4)[::-1, :, :3]
