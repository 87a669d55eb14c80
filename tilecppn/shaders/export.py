"""Export a store, and with `live` also write the page that draws the picture itself."""

from collections.abc import Callable
from pathlib import Path

from tilecppn import machine
from tilecppn.addresses import AnyPath, as_path, is_address
from tilecppn.cancellation import ShouldStop, never
from tilecppn.errors import ExportError
from tilecppn.exporters.export import export_store
from tilecppn.exporters.options import ExportOptions
from tilecppn.exporters.output.atomic import read_provenance
from tilecppn.exporters.output.provenance import LIVE, Provenance
from tilecppn.exporters.parallel import Progress, Threads
from tilecppn.exporters.pyramids.source_page import live_name
from tilecppn.run.options import check_workers
from tilecppn.scene.scene import Scene
from tilecppn.shaders.write import save, shader_text
from tilecppn.storage.store import Store


def export(
    path: AnyPath,
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
    classic: bool = False,
    compression: str | None = None,
    panels: str | None = None,
    panel_overlap: str = "0px",
    strip: str | None = None,
    marks: bool = False,
    skip_blanks: str | None = None,
    proof: str | Path | None = None,
    intent: str = "relative",
    transfer: str | None = None,
    peak: float | None = None,
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
    """Export a store to `dest`, in the format of its suffix; return the files written.

    path: of the store, or a Store.

    Tiles of a pyramid:

    format: "png" (default, except for Zoomify), "jpg", "webp", "avif" or
    "jxl" (8 bits in sRGB, in few browsers; needs `pip install "tilecppn[codecs]"`).
    tile: side in pixels, by default the store's; 256 for XYZ and Zoomify.
    overlap: in pixels.
    skip_blanks: leave out tiles of this colour, such as "#000000".
    layout: "iiif", "xyz" or "zoomify", with a folder as `dest`; or "store", with a page that reads
    the store itself.

    Pixels and encoding:

    quality: 1-100, of JPEG, WebP, AVIF and JPEG XL, which is lossless without one.
    effort: from 1, fast, to 9, small files.
    max_bytes: limit for one JPEG, WebP or AVIF; its quality is lowered to 60 at the least.
    level: the store's level to start from.
    max_size: pixels along the longer side, at most.
    bits: 8 (dithered) or 16, for a store with more; for an AVIF 10 or 12, too; for an
    EXR 16 or 32.
    transfer: "pq" or "hlg", for HDR in one .avif, .jxl or .png, from a store with more than 8 bits.
    peak: brightness of white in HDR, in cd/m², by default 1000 (203 in SDR).

    Print:

    lab: as print labs take it: 8 bits, RGB, one page.
    classic: a .tif for any program: one image in strips, or tiles if `tile` is given, up to 4 GB.
    compression: of a .tif, "deflate", "lzw" or "none"; by default deflate, with classic and lab
    none.
    marks: crop marks, in a .pdf.
    panels: such as "3x2", columns and rows of files that overlap by panel_overlap ("20mm").
    strip: paper size of a test strip, the whole picture above parts at full size.
    proof: a printer's ICC profile, for a .tif in its colours or a .png that simulates them.
    intent: "relative", "perceptual", "saturation" or "absolute".

    Pages and metadata:

    url: the address at which an IIIF folder or a page will be served.
    live: beside a .dzi also write NAME.live.html, a page that draws the picture itself, as
    `tilecppn.shader` does; the page of the tiles links to it.
    title: instead of the scene's.
    show_scene: whether files and pages carry the scene, unless the scene forbids it.

    Running:

    partial: allow an unfinished store; missing shards are black.
    overwrite: replace an export of the same kind that is unchanged since tilecppn made it; anything
    else that exists is never replaced.

    Raises InvalidRequestError before any work, also for options that this kind of export does not
    take; RenderError or Interrupted later.
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
        classic=classic,
        compression=compression,
        panels=panels,
        panel_overlap=panel_overlap,
        strip=strip,
        marks=marks,
        skip_blanks=skip_blanks,
        proof=None if proof is None else Path(proof),
        intent=intent,
        transfer=transfer,
        peak=peak,
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
    path: AnyPath, dest: str | Path, options: ExportOptions, threads: Threads
) -> list[Path]:
    """Do what `export` does, with its options as one object."""
    if not options.live:
        return export_store(path, dest, options, threads)
    write = live_writer(Store(path).scene, as_path(dest), options, overwrite=options.overwrite)
    return [*export_store(path, dest, options, threads), *write()]


def live_writer(
    scene: Scene, dest: Path, options: ExportOptions, *, overwrite: bool, resumes: bool = False
) -> Callable[[], list[Path]]:
    """Return a function that writes the live page, if `options` has it, and returns its path.

    resumes: also replace an unchanged page of the same scene. Raises any error that the function
    would raise.
    """
    if not options.live:
        return list
    if is_address(dest):
        raise ExportError(
            f"{dest}: live writes to disks; write the page by tilecppn shader, and upload it"
        )
    about = options.resolved(dest, scene).about
    if not about.share_scene:
        raise ExportError("live: its page holds the scene, which is not shared; leave it out")
    page = dest.with_name(live_name(dest.stem))
    if resumes and (made := read_provenance(page)) is not None:
        overwrite = overwrite or made.is_copy_of(Provenance(LIVE, "", scene.fingerprint, ""))
    text = shader_text(scene, page, title=about.title or dest.stem, overwrite=overwrite)

    def write() -> list[Path]:
        save(page, text)
        return [page]

    return write
