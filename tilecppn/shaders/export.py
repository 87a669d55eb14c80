"""Store → file or pyramid, and beside it, where wanted, the page that draws the picture itself."""

from collections.abc import Callable
from pathlib import Path

from tilecppn import machine
from tilecppn.addresses import as_path, is_address
from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import ExportError
from tilecppn.exporters.export import export_store
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.parallel import Progress, Threads
from tilecppn.exporters.source_page import live_name
from tilecppn.run.options import check_workers
from tilecppn.shaders.write import save, shader_text
from tilecppn.storage.store import Store


def export(
    path: str | Path,
    dest: str | Path,
    *,
    format: str | None = None,
    quality: int | None = None,
    effort: int = 1,
    tile: int | None = None,
    overlap: int = 0,
    level: int = 0,
    bits: int | None = None,
    max_size: int | None = None,
    max_bytes: int | None = None,
    lab: bool = False,
    panels: str | None = None,
    panel_overlap: str = "0px",
    strip: str | None = None,
    marks: bool = False,
    skip_blanks: str | None = None,
    proof: str | Path | None = None,
    intent: str = "relative",
    layout: str | None = None,
    url: str | None = None,
    live: bool = False,
    title: str | None = None,
    show_scene: bool = True,
    partial: bool = False,
    overwrite: bool = False,
    workers: int | None = None,
    progress: Progress = lambda done, total: None,
    stopping: ShouldStop = never,
) -> list[Path]:
    """Export the store at `path` to `dest`, by its suffix; returns what was written.

    format ("png", the default but for Zoomify, "jpg", "webp" or "avif"), tile (the store's; 256 for
    XYZ and Zoomify) and overlap (pixels) are those of a pyramid's tiles; quality (1-100) of JPEG,
    WebP and AVIF; effort from 1, fast, to 9, small files.
    level: the store's level to start from. bits: 8 (dithered) or 16, of a store with more; of an
    EXR 16 or 32. max_size: pixels of the longer side at most. max_bytes: of one JPEG, WebP or AVIF,
    whose quality falls to 60 for it. lab: as a print lab takes it, 8 bits, RGB, one page. panels:
    "3x2", columns and rows of files that share panel_overlap ("20mm"). strip: the size on paper of
    a test strip, the whole over parts at full size. marks: to cut along, of a .pdf. skip_blanks: a
    colour, "#000000", whose tiles a pyramid leaves out. proof: a printer's ICC profile, for a .tif
    in its colours or a .png that shows them; intent: "relative", "perceptual", "saturation" or
    "absolute". layout: "iiif", "xyz" or "zoomify", with a folder as `dest`, or "store", with a page
    that reads the store itself. url: where an IIIF folder or a page will be served. live: write
    NAME.live.html beside a .dzi, too, a page that draws the picture itself, as `tilecppn.shader`
    does; the page of the tiles links to it. title: of the picture, instead of its scene's;
    show_scene: whether files and pages carry the scene, unless that forbids it. partial: allow an
    unfinished store, missing shards black. overwrite: replace an export of the same kind that is
    unchanged since tilecppn made it; anything else that exists is never replaced.
    Raises InvalidRequestError before any work, for options that this kind of export does not take,
    too; RenderError or Interrupted later.
    """
    options = ExportOptions(
        format=format,
        quality=quality,
        effort=effort,
        tile=tile,
        overlap=overlap,
        level=level,
        bits=bits,
        max_size=max_size,
        max_bytes=max_bytes,
        lab=lab,
        panels=panels,
        panel_overlap=panel_overlap,
        strip=strip,
        marks=marks,
        skip_blanks=skip_blanks,
        proof=None if proof is None else Path(proof),
        intent=intent,
        layout=layout,
        url=url,
        live=live,
        title=title,
        show_scene=show_scene,
        partial=partial,
        overwrite=overwrite,
    )
    check_workers(workers)
    threads = Threads(workers or machine.cores(), progress, stopping)
    return export_with_live(path, dest, options, threads)


def export_with_live(
    path: str | Path, dest: str | Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """As `export`."""
    write_live = _live(path, as_path(dest), options) if options.live else list
    return [*export_store(path, dest, options, threads), *write_live()]


def _live(path: str | Path, dest: Path, options: ExportOptions) -> Callable[[], list[Path]]:
    """What writes the page of `live`. Raises before any work what writing it would."""
    if is_address(dest):
        raise ExportError(
            f"{dest}: live writes to disks; write the page by tilecppn shader, and upload it"
        )
    scene = Store(path).scene
    about = options.resolved(dest, scene).about
    if not about.share_scene:
        raise ExportError("live: its page holds the scene, which is not shared; leave it out")
    page = dest.with_name(live_name(dest.stem))
    text = shader_text(scene, page, title=about.title or dest.stem, overwrite=options.overwrite)

    def write() -> list[Path]:
        save(page, text)
        return [page]

    return write
