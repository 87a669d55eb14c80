"""Write a scene as NAME.html, a page that draws it, or as a function in NAME.glsl or NAME.wgsl."""

from pathlib import Path
from typing import Final

from tilecppn.addresses import AnyPath
from tilecppn.errors import InvalidRequestError
from tilecppn.exporters.kinds import suffix_of
from tilecppn.exporters.output import provenance
from tilecppn.exporters.output.atomic import atomic_output, check_output, naming_destination
from tilecppn.exporters.output.provenance import LIVE, Provenance
from tilecppn.scene.scene import Scene, as_scene
from tilecppn.shaders.motion import Motion
from tilecppn.shaders.page import live_page
from tilecppn.shaders.standalone import standalone
from tilecppn.version import VERSION

SUFFIXES: Final = (".html", ".glsl", ".wgsl")
_FUNCTION = "shader"  # a kind of output, like LIVE, in `exporters.output.atomic.CONTENTS`


def shader(
    scene: Scene | AnyPath,
    path: str | Path,
    *,
    title: str | None = None,
    show_scene: bool = True,
    motion: Motion | None = None,
    overwrite: bool = False,
) -> Path:
    """Write a scene as a shader; the suffix of `path`, one of SUFFIXES, decides the kind.

    title: of the page or function, by default the scene's, or else the file's name.
    show_scene: whether the page shows the scene.
    motion: what a page plays (`film.motion`).

    Returns the path. Raises InvalidRequestError for a network that is too large for a shader, a
    scene that is not shared, or `motion` with a function, and ExportError unless `path` is free or,
    with `overwrite`, an unchanged output of that kind.
    """
    path = Path(path)
    text = shader_text(
        as_scene(scene),
        path,
        title=title,
        show_scene=show_scene,
        motion=motion,
        overwrite=overwrite,
    )
    save(path, text)
    return path


def shader_text(
    scene: Scene,
    path: Path,
    *,
    title: str | None = None,
    show_scene: bool = True,
    motion: Motion | None = None,
    overwrite: bool = False,
) -> str:
    """Return the text that `shader` writes; raises the same errors."""
    suffix = suffix_of(path)
    if suffix not in SUFFIXES:
        raise InvalidRequestError(
            f"{path}: a shader is a page or a function; give a name that ends in "
            f"{', '.join(SUFFIXES[:-1])} or {SUFFIXES[-1]}"
        )
    if motion is not None and suffix != ".html":
        raise InvalidRequestError(f"{path}: a function has no time; only a page (.html) moves")
    if not scene.about.share_scene:
        raise InvalidRequestError(
            "about.share_scene = false: a shader holds the network, which draws the picture at any "
            "size; add --set about.share_scene=true to share it"
        )
    kind = LIVE if suffix == ".html" else _FUNCTION
    check_output(path, kind, overwrite=overwrite)
    name = scene.about.title or path.stem if title is None else title
    line = Provenance(kind, "", scene.fingerprint, "").line()
    if suffix == ".html":
        page = live_page(scene, name, show_scene=show_scene, motion=motion)
        text = f"{page}<!-- {line} -->\n"
    else:
        text = standalone(scene, suffix[1:], name, VERSION) + f"// {line}\n"
    return text


def save(path: Path, text: str) -> None:
    """Write the text of a shader to `path`, with its provenance."""
    with naming_destination(path), atomic_output(path) as temporary:
        temporary.write_text(text, encoding="utf-8")
        provenance.seal(temporary)
