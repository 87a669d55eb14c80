"""tilecppn shader: what it writes, and what it refuses."""

import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.commands import accepts, commands
from tests.shaders.conftest import Live, check_close, oracle
from tests.shaders.glsl import draw_glsl
from tilecppn.errors import ExportError, InvalidRequestError, SceneError
from tilecppn.exporters.output import provenance
from tilecppn.scene.scene import Scene
from tilecppn.shaders import shader

ROOT = Path(__file__).parents[2]
SMALL = {"cppn": {"width": 6, "depth": 2}, "canvas": {"width": 40, "height": 30}}
# A picture drawn by nothing but the function, in the two languages.
CORNERS = "void main() { gl_Position = vec4(corners[gl_VertexID], 0.0, 1.0); }"
GLSL = """
out vec4 colour;
void main() {
  vec2 size = vec2(WIDTH, HEIGHT);
  vec2 p = (2.0 * gl_FragCoord.xy - size) / min(size.x, size.y);
  colour = vec4(tilecppn(p), 1.0);
}"""
WGSL = """async ([source, width, height]) => {
  const device = await (await navigator.gpu.requestAdapter()).requestDevice();
  const code = `${source}
    @group(0) @binding(0) var<storage, read_write> colours: array<vec4f>;
    @compute @workgroup_size(8, 8) fn main(@builtin(global_invocation_id) i: vec3u) {
      if (i.x >= ${width} || i.y >= ${height}) { return; }
      let size = vec2f(${width}.0, ${height}.0);
      let q = (2.0 * (vec2f(i.xy) + 0.5) - size) / min(size.x, size.y);
      colours[i.y * ${width} + i.x] = vec4f(tilecppn(vec2f(q.x, -q.y)), 1.0);
    }`;
  device.pushErrorScope("validation");
  const module = device.createShaderModule({ code });
  const pipeline = await device.createComputePipelineAsync({ layout: "auto", compute: { module } });
  const error = await device.popErrorScope();
  if (error) return error.message;
  const size = 16 * width * height;
  const { STORAGE, COPY_SRC, COPY_DST, MAP_READ } = GPUBufferUsage;
  const out = device.createBuffer({ size, usage: STORAGE | COPY_SRC });
  const host = device.createBuffer({ size, usage: MAP_READ | COPY_DST });
  const entries = [{ binding: 0, resource: { buffer: out } }];
  const group = device.createBindGroup({ layout: pipeline.getBindGroupLayout(0), entries });
  const encoder = device.createCommandEncoder(), pass = encoder.beginComputePass();
  pass.setPipeline(pipeline); pass.setBindGroup(0, group);
  pass.dispatchWorkgroups(Math.ceil(width / 8), Math.ceil(height / 8)); pass.end();
  encoder.copyBufferToBuffer(out, 0, host, 0, size);
  device.queue.submit([encoder.finish()]);
  await host.mapAsync(GPUMapMode.READ);
  return Array.from(new Float32Array(host.getMappedRange()));
}"""


def drawn(live: Live, path: Path, width: int, height: int) -> Any:
    live.page.goto("about:blank")
    if path.suffix == ".glsl":
        called = GLSL.replace("WIDTH", f"{width}.0").replace("HEIGHT", f"{height}.0")
        return draw_glsl(live, CORNERS, path.read_text() + called, width, height)
    # WebGPU is for secure contexts, a file's page among them.
    (path.parent / "blank.html").write_text("<title>-</title>")
    live.page.goto((path.parent / "blank.html").as_uri())
    values = live.page.evaluate(WGSL, [path.read_text(), width, height])
    assert not isinstance(values, str), values
    return np.rint(255.0 * np.array(values).reshape(height, width, 4)[:, :, :3]).astype(np.uint8)


ALONE: dict[str, dict[str, Any]] = {
    "plain": SMALL,
    "palette, detail": {"cppn": {"preset": "jupiter"}, "canvas": {"width": 40, "height": 30}},
    "symmetry": SMALL | {"view": {"radial": 5}, "output": {"color": "hsv", "invert": True}},
    "deep": {
        "cppn": {"preset": "jupiter", "gain": 16.0, "width": 12},  # deep in few layers
        "canvas": {"width": 40, "height": 30},
        "view": {"scale": 1e-11, "center": [0.3, 0.2]},
    },
    "stretched": {"cppn": {"preset": "flux"}, "canvas": {"width": 30, "height": 30}},
}  # fmt: skip


@pytest.mark.parametrize("suffix", ["glsl", "wgsl"])
@pytest.mark.parametrize(
    "name",
    [n if n in {"plain"} else pytest.param(n, marks=pytest.mark.slow) for n in ALONE],
)
def test_the_function_alone_draws_the_picture(
    name: str, suffix: str, live: Live, tmp_path: Path
) -> None:
    scene = Scene.of(**ALONE[name]).replace(view={"grid": "centers"})
    path = shader(scene, tmp_path / f"a.{suffix}", title="A\n*/ title")
    check_close(drawn(live, path, scene.canvas.width, scene.canvas.height), oracle(scene, gpu=""))


@pytest.mark.parametrize("suffix", ["html", "glsl", "wgsl"])
def test_only_an_unchanged_shader_of_ours_is_replaced(suffix: str, tmp_path: Path) -> None:
    scene, path = Scene.of(**SMALL), tmp_path / f"a.{suffix}"
    shader(scene, path)
    found = provenance.read(path)
    assert found is not None
    assert found.intact
    with pytest.raises(ExportError, match="overwrite=True"):
        shader(scene, path)
    shader(scene, path, overwrite=True)
    path.write_text(path.read_text().replace("tilecppn", "tilecppm", 1))
    with pytest.raises(ExportError, match="changed"):
        shader(scene, path, overwrite=True)


@pytest.mark.parametrize(
    ("sections", "words"),
    [
        ({"cppn": {"width": 300}}, "cppn.width = 300: a shader has room for 128"),
        ({"cppn": {"width": 4, "depth": 200}}, "cppn.depth = 200: a shader has room for 128"),
        ({"view": {"scale": 1e30}}, "view.scale"),
        ({"about": {"share_scene": False}}, "about.share_scene"),
    ],
)
def test_what_does_not_fit_is_refused_with_the_limit(
    sections: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequestError, match=words):
        shader(Scene.of(**sections), tmp_path / "a.html")
    alone = words.replace("128", "64") if "width" in words else words
    with pytest.raises(InvalidRequestError, match=alone):
        shader(Scene.of(**sections), tmp_path / "a.glsl")
    assert list(tmp_path.iterdir()) == []


def test_a_scene_beyond_float64_has_no_page_but_a_function(tmp_path: Path) -> None:
    deep = Scene.of(cppn={"preset": "jupiter"}, view={"scale": 1e-9})
    with pytest.raises(InvalidRequestError, match="a page goes in to"):
        shader(deep, tmp_path / "a.html")
    halfway = deep.replace(view={"scale": 1e-5})
    assert '"zoom":600.0' in shader(halfway, tmp_path / "a.html").read_text()


def test_a_page_is_drawn_again_from_the_scene_that_it_shows(tmp_path: Path) -> None:
    scene = Scene.of(**SMALL, about={"title": "</pre> & so on"})
    assert Scene.load(shader(scene, tmp_path / "a.html")) == scene
    with pytest.raises(SceneError, match="holds no scene"):
        Scene.load(shader(scene, tmp_path / "b.html", show_scene=False))


def test_another_suffix_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidRequestError, match=r"\.html, \.glsl or \.wgsl"):
        shader(Scene.of(**SMALL), tmp_path / "a.png")


def test_the_guides_commands_and_functions_are_true() -> None:
    guide = (ROOT / "docs" / "howto" / "shader.md").read_text(encoding="utf-8")
    for block in re.findall(r"```sh\n(.*?)```", guide, re.DOTALL):
        for words in commands(block):
            accepts(words)
    for signature in ("vec3 tilecppn(vec2 p)", "fn tilecppn(p: vec2f) -> vec3f"):
        assert signature in guide
