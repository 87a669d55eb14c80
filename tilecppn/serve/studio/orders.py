"""The renders that the page offers: one row per purpose, from its form to command lines.

A form is a JSON object. Each line is a `tilecppn` command, run in the studio's folder; values from
the page are validated before they are used in it.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from tilecppn.errors import InvalidRequestError
from tilecppn.film.timeline.moves import moving
from tilecppn.film.timeline.timeline import Timeline
from tilecppn.scene.scene import Scene
from tilecppn.serve.studio.endpoints import number, text, whole

Form = Mapping[str, Any]
Lines = list[list[str]]
_NAME: Final = re.compile(r"[\w][\w .+-]{0,80}(?:/[\w][\w .+-]{0,80}){0,4}")
_ADDRESS: Final = re.compile(
    r"[a-z]+(://[\w.:\[\]-]{1,200}(:[0-9]{1,5})?)?|[\w.-]{1,200}:[0-9]{1,5}"
)
LARGEST: Final = 1_000_000  # longest side of a page in pixels


@dataclass(frozen=True)
class Order:
    """A picture to be rendered.

    scene: at the requested size. timeline: of a film. outputs: the files to open, the result first.
    remark: a note for the user.
    """

    name: str
    purpose: str
    form: Form
    scene: Scene
    lines: Lines
    outputs: tuple[str, ...]
    timeline: Timeline | None = None
    remark: str = ""


def order(scene: Scene, form: Form) -> Order:
    """Return the order of a form for a scene.

    Its `purpose` is a key of PURPOSES, `name` the common prefix of the file names, `address` that
    of a Ray cluster, "" for this machine. Raises InvalidRequestError.
    """
    purpose, name = text(form, "purpose"), name_of(form)
    if purpose not in PURPOSES:
        raise InvalidRequestError(f"there is no purpose {purpose[:40]}")
    found = PURPOSES[purpose](scene, name, form)
    address = text(form, "address", "").strip()
    if address and found.lines[0][0] in ("render", "animate"):
        if _ADDRESS.fullmatch(address) is None:
            raise InvalidRequestError(f"{address[:80]}: no address of Ray, like auto or host:6379")
        found.lines[0].extend(["--executor", "ray", "--address", address])
    return found


def film_order(film: Timeline, form: Form) -> Order:
    """Return the order of a form for a timeline: the film, or a sheet of its frames.

    Raises InvalidRequestError.
    """
    name = name_of(form)
    suffix = _choice(form, "format", ("mp4", "webm", "gif", "sheet"))
    line = ["animate", f"{name}.toml", "-o", f"{name}.{suffix}"]
    canvas = film.base.canvas
    if suffix in ("mp4", "webm") and (canvas.width % 2 or canvas.height % 2):
        line += ["--even", "crop"]
    outputs, remark = (f"{name}.{suffix}", f"{name}.toml"), ""
    if suffix == "sheet":
        from tilecppn.film.contact_sheet import COUNT, WIDTH

        count = min(COUNT, film.frames)
        remark = f"The sheet has {count} frames, {WIDTH} pixels wide. All of the film would take:"
        line = ["animate", f"{name}.toml", "--contact", f"{name}.png"]
        outputs = f"{name}.png", f"{name}.toml"
    return Order(name, "timeline", form, film.scene(0), [line], outputs, film, remark)


def name_of(form: Form) -> str:
    """Return the name of a form's outputs; it lies below the folder and cannot be an option."""
    name = text(form, "name").removesuffix(".toml")
    if _NAME.fullmatch(name) is None or ".." in name:
        raise InvalidRequestError("give a name of letters, digits, spaces, dots and dashes")
    return name


def _print(scene: Scene, name: str, form: Form) -> Order:
    suffix = _choice(form, "format", ("tif", "png"))
    canvas: dict[str, Any] = {"print": text(form, "size").strip(), "dpi": number(form, "dpi", 300)}
    canvas["bleed"] = text(form, "bleed", "").strip() or None
    printed = scene.replace(canvas=canvas)
    return Order(
        name,
        "print",
        form,
        printed,
        [
            ["render", f"{name}.toml", "-o", f"{name}.zarr"],
            ["export", f"{name}.zarr", f"{name}.{suffix}"],
        ],
        (f"{name}.{suffix}", f"{name}.zarr"),
        remark=_reshaped(scene, printed),
    )


def _reshaped(scene: Scene, printed: Scene) -> str:
    """Return a note if the paper's aspect ratio differs from the picture's beyond rounding, else
    "".
    """
    shapes = [wide / high for wide, high in (scene.canvas.whole, printed.canvas.whole)]
    if 0.99 <= shapes[1] / shapes[0] <= 1.01:
        return ""
    shown = [f"{shape:.2f} : 1" if shape > 1 else f"1 : {1 / shape:.2f}" for shape in shapes]
    return f"The paper is {shown[1]}, the picture {shown[0]}: what is at its edges will change."


def _page(scene: Scene, name: str, form: Form) -> Order:
    kind = _choice(form, "format", ("webp", "png", "jpg", "avif"))
    line = ["render", f"{name}.toml", "-o", f"{name}.zarr", "--export", f"{name}.dzi"]
    return Order(
        name,
        "page",
        form,
        _resized(scene, form),
        [[*line, "--format", kind]],
        (f"{name}.html", f"{name}.zarr"),
    )


def _image(scene: Scene, name: str, form: Form) -> Order:
    suffix = _choice(form, "format", ("png", "jpg", "webp", "tif"))
    sized = _resized(scene, {**form, "width": min(whole(form, "width", 2048), 32768)})
    line = ["preview", f"{name}.toml", "-o", f"{name}.{suffix}"]
    return Order(
        name,
        "image",
        form,
        sized,
        [[*line, "--width", f"{sized.canvas.width}"]],
        (f"{name}.{suffix}",),
    )


def _film(scene: Scene, name: str, form: Form) -> Order:
    move = _choice(form, "move", ("orbit", "zoom", "morph"))
    suffix = _choice(form, "format", ("mp4", "webm", "gif"))
    seconds, loop = number(form, "seconds", 10.0), form.get("loop") is True
    fps = whole(form, "fps", 30)
    given: dict[str, Any] = {"orbit": {"orbit": True}, "zoom": {}, "morph": {}}[move]
    words = {"orbit": ["--orbit"]}.get(move, [])
    if move == "zoom":
        given = {"zoom": number(form, "zoom", 20.0)}
        words = ["--zoom", f"{given['zoom']:g}"]
    if move == "morph":
        given = {"morph": _seeds(form)}
        words = ["--morph", ",".join(map(str, given["morph"]))]
    sized = _resized(scene, form, even=True)
    timeline = moving(sized, **given, seconds=seconds, fps=fps, loop=loop)
    line = ["animate", f"{name}.toml", "-o", f"{name}.{suffix}", *words]
    line += ["--seconds", f"{seconds:g}", "--fps", f"{fps}", *(["--loop"] if loop else [])]
    return Order(name, "film", form, sized, [line], (f"{name}.{suffix}",), timeline)


PURPOSES: Final[dict[str, Callable[[Scene, str, Form], Order]]] = {
    "print": _print,
    "page": _page,
    "film": _film,
    "image": _image,
}


def _resized(scene: Scene, form: Form, even: bool = False) -> Scene:
    """Return the same picture, `width` pixels wide."""
    width, canvas = whole(form, "width", 2048), scene.canvas
    if not 1 <= width <= LARGEST:
        raise InvalidRequestError(f"width = {width}: must be from 1 to {LARGEST:,}")
    height = max(1, round(canvas.height * width / canvas.width))
    if even:
        width, height = max(2, width // 2 * 2), max(2, height // 2 * 2)
    return scene.replace(canvas=canvas.resized(width, height))


def _choice(form: Form, key: str, allowed: tuple[str, ...]) -> str:
    value = text(form, key, allowed[0])
    if value not in allowed:
        raise InvalidRequestError(f"{key} = {value[:40]}: must be one of {', '.join(allowed)}")
    return value


def _seeds(form: Form) -> list[int]:
    words = text(form, "seeds", "1,2,3").replace(",", " ").split()
    if not 2 <= len(words) <= 100 or not all(word.isdecimal() and len(word) < 16 for word in words):
        raise InvalidRequestError("give 2 to 100 seeds to morph between, as in 1, 2, 3")
    return [int(word) for word in words]
