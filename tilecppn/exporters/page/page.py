"""The page of an export: one HTML file that shows a Deep Zoom pyramid, opened by double-click.

Everything except the tiles and OpenSeadragon is inside the page, including the descriptor, because
browsers refuse to read other files from file://. It is assembled from page.html, page.css and the
files of script/, which share one scope.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import quote, urljoin

from tilecppn.errors import ExportError
from tilecppn.exporters.encoding.credits import is_address
from tilecppn.exporters.page.facts import credit_facts, format_size, size_facts
from tilecppn.scene.sections import About

NOTHING: Final = About()
_HERE: Final = Path(__file__).parent
_OPENSEADRAGON: Final = ("openseadragon.min.js", "openseadragon.LICENSE.txt")
_FZSTD: Final = ("fzstd.min.js", "fzstd.LICENSE.txt")
_SCRIPTS: Final = (
    # on every page
    "viewer",
    "crisp",
    "layout",
    "plane",
    "address",
    "controls",
    "embed",
)
_LIVE: Final = (
    '      <a id="live" href="{}" title="The same picture, drawn by your GPU at any depth">'
    "Draw it live</a>\n"
)
_ICON: Final = (
    "<svg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'>"
    "<rect width='16' height='16' rx='4' fill='#1b1b1f'/>"
    "<circle cx='8' cy='8' r='4.5' fill='none' stroke='#e6c58a' stroke-width='1.6'/>"
    "<circle cx='8' cy='8' r='1.4' fill='#e6c58a'/></svg>"
)


def assets() -> tuple[Path, ...]:
    """Return the files that the page needs in `NAME_files/`, to be copied under their own names.

    Raises ExportError if they are missing, as they are added when the package is installed.
    """
    return _installed("openseadragon", _OPENSEADRAGON)


def _installed(folder: str, names: tuple[str, ...]) -> tuple[Path, ...]:
    paths = tuple(_HERE / folder / name for name in names)
    missing = [path.name for path in paths if not path.is_file()]
    if missing:
        raise ExportError(
            f"the viewer's {' and '.join(missing)}: not installed; reinstall tilecppn with pip, "
            "or run `python hatch_build.py` in its source folder (needs npm)"
        )
    return paths


class Served(NamedTuple):
    """The values that a page shown by a server has in addition to those of an export's page.

    query: appended to the address of each tile, with its "?". status: the address of the progress
    of a picture that is still being rendered. frames: a film's number of frames, and frames per
    second; frame k has its tiles in `frames/k/`. views: the side in pixels of the pyramids that
    continue a zoom beyond the canvas, in `views/X_Y_SCALE/`. shader: the address of the data with
    which the view is drawn while tiles are missing (`shaders.page.shader_parts`).
    """

    query: str
    status: str = ""
    frames: tuple[int, float] | None = None
    views: int = 0
    shader: str = ""


class StoredTiles(NamedTuple):
    """The store whose tiles a page shows.

    url: of the store's folder, relative to the page, with a final slash. levels: from full size on,
    each with width and height in pixels, the path of its array, and the number of tiles along a
    shard.
    """

    url: str
    dtype: str
    channels: int
    levels: Sequence[Mapping[str, Any]]


class Card(NamedTuple):
    """The preview with which other sites show a link to the page.

    picture: its address, relative to the page; "" for none. url: where the page will be served, if
    known.
    """

    picture: str
    url: str = ""


def page(
    title: str,
    *,
    width: int,
    height: int,
    per_inch: float = 300.0,
    tile: int,
    overlap: int,
    format: str,
    files: str,
    summary: Mapping[str, str],
    scene: str,
    about: About = NOTHING,
    view: Mapping[str, Any] | None = None,
    card: Card | None = None,
    served: Served | None = None,
    store: StoredTiles | None = None,
    viewer: Mapping[str, Any] | None = None,
    live: str = "",
) -> str:
    """Return the text of `NAME.html`, to be written as UTF-8 beside the folder of tiles.

    width, height, tile, overlap: pixels, as in the .dzi; tile is a side.
    per_inch: pixels per printed inch.
    format: the tiles' suffix without a dot.
    files: the name of the folder of tiles.
    summary: what the panel shows below the size, name → value.
    scene: the TOML to copy from the panel, "" for none.
    about: the credits at the panel's top.
    view: the scene's grid (`source_page.grid_facts`), by which the page gives its view in plane
    units.
    store: read the tiles from this store; everything else is then inside the page.
    viewer: OpenSeadragon's options for tiles beside the page in a layout other than Deep Zoom; a
    `template` such as {z}/{x}/{y}.png is the address of a tile, an `id` is relative to the page.
    live: the name of a page beside this one that draws the picture itself.

    The view is kept in the address, in plane units as in a scene's [view]:
    `#center=0.5,-1.25&scale=2`, with `rotation=90` if it differs from the scene's, and `flip=1` if
    mirrored. Without `view` it is `#zoom=2&x=0.5&y=0.5`, the picture's centre at twice the size at
    which it fits the window, and `rotate=90`; every page reads both forms.
    """
    folder = quote(files, safe="", errors="surrogateescape")
    source = {
        "width": width,
        "height": height,
        "tileSize": tile,
        "tileOverlap": overlap,
        "tilesUrl": f"{folder}/",
        "fileFormat": format,
        "minLevel": 0,
        # OpenSeadragon's own logarithm is one too high at 2**29 and 2**31.
        "maxLevel": (max(width, height) - 1).bit_length(),
    }
    data: dict[str, Any] = {"source": source, "files": files, "scene": scene}
    if view is not None:
        data["view"] = view
    scripts, film = [*_SCRIPTS], ""
    if served is not None:
        source["queryParams"] = served.query
        data["served"] = True
        scripts.append("swap")
        if served.status:
            scripts.append("live")
            data["status"] = served.status
        if served.views:
            scripts.append("views")
            data["views"] = served.views
        if served.shader:
            scripts.append("shader")
            data["shader"] = served.shader
        if served.frames is not None:
            scripts.append("film")
            count, fps = served.frames
            data["frames"] = {"count": count, "fps": fps}
            film = _read("film.html").replace("{{last}}", str(count - 1))
    if viewer is not None:
        data["viewer"] = viewer
    libraries = f'<script src="{folder}/{_OPENSEADRAGON[0]}"></script>'
    if store is not None:
        data["store"] = store._asdict()
        source["minLevel"] = (max(width, height) - 1).bit_length() - len(store.levels) + 1
        scripts.append("store")
        libraries = _inlined(*assets()) + _inlined(*_installed("fzstd", _FZSTD))
    facts = {**credit_facts(about), **size_facts(width, height, per_inch), **summary}
    description = about.description
    parts = {
        "title": _text(title),
        "about": f"    <p>{_text(description)}</p>\n" if description else "",
        "head": _head(title, about, description or f"{facts['Size']}, to zoom into", card),
        "icon": "data:image/svg+xml," + quote(_ICON, safe=""),
        "size": _text(format_size(width, height)),
        "facts": "".join(
            f"      <dt>{_text(name)}</dt><dd>{_linked(value)}</dd>\n"
            for name, value in facts.items()
        ),
        "live": _LIVE.format(quote(live, errors="surrogateescape")) if live else "",
        "data": _json(data),
        "libraries": libraries,
        "style": _read("page.css"),
        "film": film,
        "script": "\n".join(_read(f"script/{name}.js") for name in [*scripts, "start"]),
    }
    template = _read("page.html")
    # In one pass, so that `{{…}}` within a part is not filled.
    return re.sub(r"\{\{(\w+)\}\}", lambda match: parts[match[1]], template)


def _linked(value: str) -> str:
    """Return a fact as HTML, as a link if it is a web address."""
    text = _text(value)
    return f'<a href="{text}">{text}</a>' if is_address(value) else text


def _head(title: str, about: About, description: str, card: Card | None) -> str:
    """Return the meta tags for previews of links to the page (https://ogp.me)."""
    properties = {"og:type": "website", "og:title": title, "og:description": description}
    names = {"description": description}
    names |= {k: v for k, v in (("author", about.artist), ("copyright", about.copyright)) if v}
    if card is not None:
        if card.picture:
            properties["og:image"] = urljoin(card.url, card.picture)
            names["twitter:card"] = "summary_large_image"
        if card.url:
            properties["og:url"] = card.url
    return "".join(
        f'<meta {key}="{name}" content="{_text(value)}">\n'
        for key, tags in (("name", names), ("property", properties))
        for name, value in tags.items()
    )


def _inlined(script: Path, licence: Path) -> str:
    text = licence.read_text("utf-8").strip().replace("--", "- -")
    return f"<!--\n{text}\n-->\n<script>\n{script.read_text('utf-8')}\n</script>\n"


def _read(name: str) -> str:
    return (_HERE / name).read_text("utf-8")


def _text(text: str) -> str:
    """Escape text for HTML, between tags or within quotes."""
    # A name that is not Unicode contains lone surrogates, which UTF-8 cannot encode.
    return html.escape(text.encode("utf-8", "replace").decode("utf-8"))


def _json(value: object) -> str:
    """Return JSON that is safe in a <script>: ASCII, and nothing that could end the element."""
    text = json.dumps(value, ensure_ascii=True, separators=(",", ":"))
    return text.replace("&", "\\u0026").replace("<", "\\u003c").replace(">", "\\u003e")
