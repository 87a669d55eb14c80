"""The scene as one self-contained function in GLSL or WGSL, for use in other shaders."""

from collections.abc import Callable, Sequence

from tilecppn.kernels.wgsl import check_fits, data_of, function_alone, glsl_of
from tilecppn.kernels.wgsl.data import stop_rows
from tilecppn.kernels.wgsl.fragment import GLSL_OWN, WGSL_OWN
from tilecppn.kernels.wgsl.text import number, vector
from tilecppn.scene.scene import Scene

MAX_WIDTH = 64  # units of a layer; each unit becomes its own lines of code

_ABOUT = """\
// {title}
// A picture drawn by tilecppn {version}, as a function in {language}:
//
//     {signature}
//
// The colour, sRGB from 0 to 1, at p: (0, 0) is the canvas' centre, x goes right and y up, and
// {edges}.
// {detail}
"""
_EDGES = {
    "preserve": "1 is the way to the canvas' nearer edge",
    "stretch": "±1 are the canvas' edges, both across and down",
}
_DETAIL = "Detail is that of a canvas of {0} × {1} pixels; --set canvas.width=… makes more or less."
_PLAIN = "It has no size of its own: any number of pixels has the same forms."


def standalone(scene: Scene, language: str, title: str, version: str) -> str:
    """Return the source of `tilecppn(p)` in "glsl" or "wgsl".

    Raises InvalidRequestError for a network that is too large for a shader.
    """
    check_fits(scene, MAX_WIDTH)
    head, end = _LANGUAGES[language](scene)
    canvas = scene.canvas.whole
    about = _ABOUT.format(
        title=" ".join(title.split()) or "A picture",
        version=version,
        language=_NAMES[language],
        signature=_SIGNATURES[language],
        edges=_EDGES[scene.view.aspect],
        detail=_PLAIN if scene.cppn.structure.detail is None else _DETAIL.format(*canvas),
    )
    return about + head + end


def _body(scene: Scene, stops: Callable[[Sequence[str]], str]) -> str:
    colours = stop_rows(scene).tolist() if scene.output.palette is not None else []
    source = function_alone(scene, data_of(scene, fades=False), stops([vector(c) for c in colours]))
    scale = number(scene.view.scale)
    return source + (
        "fn tilecppn(p: vec2f) -> vec3f {\n"
        f"  return cppn_colour(vec2f({scale} * p.x, -{scale} * p.y));\n}}\n"
    )


def _wgsl(scene: Scene) -> tuple[str, str]:
    def stops(colours: Sequence[str]) -> str:
        array = f"array<vec4f, {len(colours)}>"
        values = ",\n  ".join(colours)
        return (
            f"var<private> cppn_stops: {array} = {array}(\n  {values});\n"
            "fn cppn_stop(i: i32) -> vec4f {\n  return cppn_stops[i];\n}"
        )

    return WGSL_OWN, _body(scene, stops)


def _glsl(scene: Scene) -> tuple[str, str]:
    # Arrays are declared differently in GLSL, so they are added after the translation.
    arrays: list[str] = []

    def stops(colours: Sequence[str]) -> str:
        count, values = len(colours), glsl_of(",\n  ".join(colours))
        arrays.append(
            f"const vec4 cppn_stops[{count}] = vec4[{count}](\n  {values});\n"
            "vec4 cppn_stop(int i) {\n  return cppn_stops[i];\n}\n"
        )
        return ""

    body = _body(scene, stops)
    has_stops = scene.output.palette is not None
    return GLSL_OWN + (arrays[0] if has_stops else ""), glsl_of(body)


_LANGUAGES = {"glsl": _glsl, "wgsl": _wgsl}
_NAMES = {"glsl": "GLSL (ES 3.00: WebGL 2, Shadertoy)", "wgsl": "WGSL (WebGPU)"}
_SIGNATURES = {
    "glsl": "vec3 tilecppn(vec2 p)",
    "wgsl": "fn tilecppn(p: vec2f) -> vec3f",
}
