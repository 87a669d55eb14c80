"""Translates tilecppn's WGSL to GLSL ES 3.00, word by word.

This works for the subset used by the other files here: every declaration has its type, `for` loops
count up, and both languages have the built-in functions.
"""

import re

_WORDS = {
    "f32": "float",
    "i32": "int",
    "vec2f": "vec2",
    "vec3f": "vec3",
    "vec4f": "vec4",
    "mat4x4f": "mat4",
    "dpdx": "dFdx",
    "dpdy": "dFdy",
}
_RULES = (
    (r"\bfn (\w+)\((.*?)\) -> (\w+) \{", lambda m: f"{m[3]} {m[1]}({_parameters(m[2])}) {{"),
    (r"\bconst (\w+): (\w+) =", r"const \2 \1 ="),
    (r"\bvar (\w+): array<(\w+), (\d+)>", r"\2 \1[\3]"),
    (r"\b(?:let|var) (\w+): (\w+)", r"\2 \1"),
)


def glsl_of(wgsl: str) -> str:
    """Translate shader source from WGSL to GLSL."""
    text = wgsl
    for pattern, replacement in _RULES:
        text = re.sub(pattern, replacement, text, flags=re.DOTALL)
    return re.sub(r"\b\w+\b", lambda match: _WORDS.get(match[0], match[0]), text)


def _parameters(text: str) -> str:
    return re.sub(r"(\w+): (\w+)", r"\2 \1", text)
