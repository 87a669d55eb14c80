"""[about] in every format, read by others; and outputs that do not carry their scene."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import tifffile
from PIL import Image

from tests.conftest import SMALL_NET
from tilecppn import export
from tilecppn.errors import ExportError, SceneError
from tilecppn.exporters.encoding import credits, tags
from tilecppn.exporters.export import EXPORTERS, LAYOUTS
from tilecppn.exporters.parallel import Threads
from tilecppn.exporters.pyramids.pmtiles_archive import read_metadata
from tilecppn.exporters.repair import repair_export
from tilecppn.exporters.verify import find_export_damage
from tilecppn.run.render import render
from tilecppn.scene.scene import Scene
from tilecppn.scene.sections import About
from tilecppn.storage.store import Store

ABOUT: dict[str, Any] = {
    "title": 'Stürme & "Wellen" 😀',
    "artist": "Zoë <Müller>",
    "copyright": "© 2026 Zoë Müller",
    "licence": "https://creativecommons.org/licenses/by/4.0/",
    "description": "Two\nlines --> ]]>",
}
DC, RIGHTS = "{http://purl.org/dc/elements/1.1/}", "{http://ns.adobe.com/xap/1.0/rights/}"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Store:
    scene = Scene.of(
        cppn=SMALL_NET,
        canvas={"width": 130, "height": 70},
        output={"tile": 64, "shard": 64},
        about=ABOUT,
    )
    path = tmp_path_factory.mktemp("store") / "a.zarr"
    return render(scene, path, executor="local", workers=1)


def xmp_of(path: Path) -> dict[str, str]:
    data = path.read_bytes()
    packet = re.search(rb"<x:xmpmeta.*</x:xmpmeta>", data, re.DOTALL)
    assert packet is not None
    tree = ElementTree.fromstring(packet[0].decode())
    return {element.tag: "".join(element.itertext()) for element in tree[0][0]}


@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif"])
def test_files_say_whose_they_are(suffix: str, store: Store, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    export(store.path, path)
    assert Scene.load(path).about == About(**ABOUT)
    found = xmp_of(path)
    assert found[f"{DC}title"] == ABOUT["title"]
    assert found[f"{DC}creator"] == ABOUT["artist"]
    assert found[f"{DC}rights"] == ABOUT["copyright"]
    assert found[f"{DC}description"] == ABOUT["description"]
    assert found[f"{RIGHTS}WebStatement"] == ABOUT["licence"]
    assert find_export_damage(path) == {}


@pytest.mark.parametrize("suffix", [".jpg", ".webp", ".avif"])
def test_exif(suffix: str, store: Store, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    export(store.path, path)
    with Image.open(path) as image:
        exif = image.getexif()
    assert exif[tags.ARTIST].encode("latin-1").decode() == ABOUT["artist"]
    notice = exif[tags.COPYRIGHT].encode("latin-1").decode()
    assert notice == f"{ABOUT['copyright']}; {ABOUT['licence']}"


def test_texts_of_a_png_and_tags_of_a_tiff(store: Store, tmp_path: Path) -> None:
    export(store.path, tmp_path / "a.png")
    with Image.open(tmp_path / "a.png") as image:
        assert image.info["Title"] == ABOUT["title"]
        assert image.info["Author"] == ABOUT["artist"]
        assert image.info["Description"] == ABOUT["description"]
        assert image.info["Software"] == tags.MAKER
    export(store.path, tmp_path / "a.tif")
    with tifffile.TiffFile(tmp_path / "a.tif") as file:
        first = file.pages.first
        assert first.tags[tags.ARTIST].value == ABOUT["artist"]
        assert first.tags[tags.SOFTWARE].value == tags.MAKER


@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
@pytest.mark.parametrize("suffix", [".png", ".tif", ".jpg", ".webp", ".avif", ".jxl"])
def test_exiftool_reads_it_without_a_warning(suffix: str, store: Store, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    export(store.path, path)
    done = subprocess.run(
        ["exiftool", "-json", "-warning", "-error", "-XMP:all", "-XResolution", str(path)],
        capture_output=True,
        check=True,
    )
    (found,) = json.loads(done.stdout)
    assert found.keys().isdisjoint({"Warning", "Error"})
    assert suffix == ".png" or found["XResolution"] == 300
    assert found["Title"] == ABOUT["title"]
    assert found["Creator"] == ABOUT["artist"]
    assert found["CreatorTool"] == tags.MAKER


def test_a_picture_without_credits_has_no_xmp(tmp_path: Path, small_store: Store) -> None:
    assert credits.xmp(About()) == b""
    export(small_store.path, tmp_path / "a.jpg")
    assert b"xmpmeta" not in (tmp_path / "a.jpg").read_bytes()


def test_pages_have_it(store: Store, tmp_path: Path) -> None:
    export(store.path, tmp_path / "a.dzi")
    export(store.path, tmp_path / "b.dzi", title="Other")
    export(store.path, tmp_path / "c", layout="xyz")
    export(store.path, tmp_path / "d.html", layout="store")
    title = "Stürme &amp; &quot;Wellen&quot; 😀"
    for name in ("a.html", "c/index.html", "d.html"):
        text = (tmp_path / name).read_text()
        assert f"<title>{title}</title>" in text
        assert f'<meta property="og:title" content="{title}">' in text
        assert '<meta name="author" content="Zoë &lt;Müller&gt;">' in text
        assert f'<a href="{ABOUT["licence"]}">' in text
        assert '<meta property="og:description" content="Two\nlines --&gt; ]]&gt;">' in text
    assert "<title>Other</title>" in (tmp_path / "b.html").read_text()


@pytest.mark.parametrize("kind", [*EXPORTERS, *(name for name in LAYOUTS if name != "store")])
def test_an_export_without_its_scene_has_it_nowhere(
    kind: str, store: Store, tmp_path: Path
) -> None:
    layout = kind if kind in LAYOUTS else None
    dest = tmp_path / ("a" if layout else f"a{kind}")
    export(store.path, dest, layout=layout)
    assert Scene.load(dest).cppn == store.scene.cppn
    export(store.path, dest, layout=layout, show_scene=False, overwrite=True)
    for file in files(tmp_path):
        if "openseadragon" not in file.name:
            data = file.read_bytes()
            assert b"hardmaru" not in data, file
            assert b"[cppn]" not in data, file
    if kind == ".pmtiles":
        assert "cppn]" not in str(read_metadata(dest))
    with pytest.raises(SceneError, match="made without its scene"):
        Scene.load(dest)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_the_scene_can_forbid_it(store: Store, tmp_path: Path) -> None:
    scene = store.scene.replace(about={"share_scene": False})
    again = render(scene, store.path, executor="local", workers=1)  # a finished store takes it over
    try:
        assert again.scene.about.share_scene is False
        export(again.path, tmp_path / "a.png")
        export(again.path, tmp_path / "b.png", show_scene=True)
        for name in ("a.png", "b.png"):
            assert b"hardmaru" not in (tmp_path / name).read_bytes()
        assert Scene.load(again.path).cppn == scene.cppn  # the store has it
    finally:
        render(scene.replace(about={"share_scene": True}), store.path, executor="local", workers=1)


def test_another_about_resumes_and_changes_no_shard(tmp_path: Path) -> None:
    scene = Scene.of(
        cppn=SMALL_NET, canvas={"width": 70, "height": 60}, output={"tile": 64, "shard": 64}
    )
    first = render(scene, tmp_path / "a.zarr", executor="local", workers=1)
    shards = {p: p.stat().st_mtime_ns for p in first.path.glob("*/c/0/*/*")}
    changed = scene.replace(about=ABOUT)
    assert changed.fingerprint == scene.fingerprint
    second = render(changed, first.path, executor="local", workers=1)
    assert second.scene.about == About(**ABOUT)
    assert {p: p.stat().st_mtime_ns for p in first.path.glob("*/c/0/*/*")} == shards
    assert second.invalid_metadata() == []


def test_a_mended_export_still_has_no_scene(store: Store, tmp_path: Path) -> None:
    dest = tmp_path / "a.dzi"
    export(store.path, dest, show_scene=False)
    before = {path: path.read_bytes() for path in files(tmp_path)}
    for name in ("tilecppn.json", "0/0_0.png"):
        (tmp_path / "a_files" / name).write_bytes(b"?")
    (tmp_path / "a.html").write_bytes(b"?")
    repair_export(dest, find_export_damage(dest), store.path, Threads(1))
    assert {path: path.read_bytes() for path in files(tmp_path)} == before


def test_a_title_that_no_file_can_have_is_refused(store: Store, tmp_path: Path) -> None:
    with pytest.raises(ExportError, match="title: must be a text"):
        export(store.path, tmp_path / "a.png", title="\0")
