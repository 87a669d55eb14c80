"""The live page: one HTML file that draws a scene on its viewer's GPU, opened by double-click.

Its parts lie in web/: page.html, page.css and the files of script/, which share one scope. It loads
nothing from elsewhere, and its content security policy forbids that; the policy allows its own
scripts and styles by their hashes.
"""

import base64
import hashlib
import html
import io
import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tilecppn.exporters.page.facts import credit_facts
from tilecppn.kernels.wgsl import check_fits, program_of
from tilecppn.kernels.wgsl.fragment import glsl_fragment, wgsl_fragment
from tilecppn.kernels.wgsl.shape import Shape
from tilecppn.pixels.preview import preview
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import About
from tilecppn.shaders.config import config_of, deflated, layers_of, packed, parameters_of
from tilecppn.shaders.motion import Motion

_HERE: Final = Path(__file__).parent / "web"
_DRAWING: Final = ("parameters", "reference", "gpu", "picture")  # also in pages of tiles
_SCRIPTS: Final = (  # stored compressed; loader.js is not
    *_DRAWING, "png", "walk", "film", "scene", "controls", "start",
)  # fmt: skip
_WALK: Final = {
    "walk": "Walk through the latents",
    "moves": "walk, <kbd>N</kbd> another",
    "icon": "M2.5 12c2.5-7 5-7 7.5-2s5 5 7.5-2",
}
_FILM: Final = {"walk": "Play", "moves": "play", "icon": "M6.5 4l9 6-9 6z"}
STILL: Final = 240  # pixels along the longer side of the still


def live_page(
    scene: Scene, title: str, *, show_scene: bool = True, motion: Motion | None = None
) -> str:
    """Return the text of the page, to be written as UTF-8.

    show_scene: whether the page shows the scene. Its [about] is always shown. motion: what the page
    plays.

    Raises InvalidRequestError for a network that is too large for a shader.
    """
    parts = _parts(scene)
    sources = {"wgsl": parts.wgsl, "glsl": parts.glsl}
    style, loader = _minified("page.css", "/*"), _minified("script/loader.js", "//")
    unused = "film" if motion is None else "walk"
    names = [name for name in _SCRIPTS if name != unused]
    script = sources["script"] = _scripts(names)
    texts = deflated(json.dumps(sources).encode())
    data = {"parameters": packed(parts.parameters), "sources": texts}
    config = parts.config
    if motion is not None:
        config["film"], data["film"] = motion.config(), packed(motion.numbers())
    scene_text = _text(scene.to_toml()) if show_scene else ""
    filled = {
        "policy": _policy(style, loader, script),
        "title": _text(title),
        "style": style,
        "still": _still(scene),
        "about": _about(scene.about),
        "scene": _details(scene_text) if show_scene else "",
        "config": _json(config),
        "data": _json(data),
        "script": loader,
        **(_WALK if motion is None else _FILM),
    }
    template = (_HERE / "page.html").read_text("utf-8")
    # In one pass, so that `{{…}}` within a part is not filled.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: filled[match[1]], template)


def shader_parts(scene: Scene) -> dict[str, Any]:
    """Return the JSON data with which a page of tiles draws the scene: a script and its input.

    The script defines `pictureOf`; parameters are little-endian float32 in base64. Raises
    InvalidRequestError as `live_page` does.
    """
    parts = _parts(scene)
    parameters = base64.b64encode(parts.parameters.tobytes()).decode()
    return parts._asdict() | {"parameters": parameters, "script": _scripts(_DRAWING)}


class _Parts(NamedTuple):
    wgsl: str
    glsl: str
    config: dict[str, Any]
    parameters: NDArray[np.float32]


def _parts(scene: Scene) -> _Parts:
    check_fits(scene)
    shape = Shape.of(scene, layers_of(scene))
    program = program_of(scene, shape)
    sources = wgsl_fragment(program), glsl_fragment(program)
    return _Parts(*sources, config_of(scene, program), parameters_of(scene, shape))


def _scripts(names: Sequence[str]) -> str:
    return "\n".join(_minified(f"script/{name}.js", "//") for name in names)


def _about(about: About) -> str:
    credits = (f"{name}: {value}" for name, value in credit_facts(about).items())
    lines = (line for line in (about.description, *credits) if line)
    return "".join(f"    <p>{_text(line)}</p>\n" for line in lines)


def _details(scene: str) -> str:
    # `exporters.embedded_scene` reads the scene from this element.
    return (
        '    <p><button type="button" id="copy">Copy view as a scene</button></p>\n'
        f'    <details><summary>Scene</summary><pre id="scene">{scene}</pre></details>\n'
    )


def _policy(style: str, *scripts: str) -> str:
    def source(text: str) -> str:
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        return f"'sha256-{digest}'"

    return (
        f"default-src 'none'; script-src {' '.join(map(source, scripts))}; "
        f"style-src {source(style)}; img-src data: blob:; base-uri 'none'; form-action 'none'"
    )


def _still(scene: Scene) -> str:
    """Return a small WebP as a data URL, shown where neither WebGPU nor WebGL2 works."""
    from PIL import Image

    canvas = scene.canvas
    width = max(1, min(STILL, round(STILL * canvas.width / max(canvas.width, canvas.height))))
    # The shader draws in sRGB, whatever the scene's profile.
    pixels = preview(scene.replace(output={"profile": "srgb"}), width)
    image = Image.fromarray(pixels[:, :, 0] if pixels.shape[2] == 1 else pixels)
    file = io.BytesIO()
    image.save(file, "WEBP", quality=40, method=6)
    return "data:image/webp;base64," + base64.b64encode(file.getvalue()).decode()


def _minified(name: str, comment: str) -> str:
    """Return a style or script of web/ without indentation, comment lines and types."""
    text = re.sub(r"/\*\* .*? \*/ ?", "", (_HERE / name).read_text("utf-8"))
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith(comment))


def _text(text: str) -> str:
    """Escape text for HTML, between tags or within quotes."""
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


def _json(value: object) -> str:
    """Return JSON that is safe in a <script>: ASCII, and nothing that could end the element."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
