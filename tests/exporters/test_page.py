"""The page's text: what it says, where it points, and that nothing in it can break out."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tilecppn.errors import ExportError
from tilecppn.exporters.page import Card, assets, page
from tilecppn.scene.sections import About

HOSTILE = "</script><b>&\"'\u2028\u2029{{scene}}"


def make(**changes: Any) -> str:
    given: dict[str, Any] = {
        "title": "poster",
        "width": 16384,
        "height": 16384,
        "tile": 512,
        "overlap": 0,
        "format": "png",
        "files": "poster_files",
        "summary": {"Seed": "7"},
        "scene": "[cppn]\n",
    }
    return page(**(given | changes))


class Parsed(HTMLParser):
    """Tags with attributes, and the text in each element that has an id."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: dict[str, str] = {}
        self._open = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        self._open = dict(attrs).get("id") or tag

    def handle_data(self, data: str) -> None:
        self.text[self._open] = self.text.get(self._open, "") + data


def data_of(text: str) -> Any:
    return json.loads(Parsed(text).text["data"])


def test_a_link_to_the_page_is_shown_with_title_description_and_picture() -> None:
    text = make(
        title="A & B",
        about=About(description="Storms"),
        card=Card("a_files/card.jpg", "https://x.org/p/"),
    )
    tags = {
        str(tag.get("property") or tag.get("name")): tag["content"]
        for name, tag in Parsed(text).tags
        if name == "meta" and "content" in tag
    }
    assert (tags["og:title"], tags["description"], tags["og:description"]) == (
        "A & B",
        "Storms",
        "Storms",
    )
    assert tags["og:image"] == "https://x.org/p/a_files/card.jpg"
    assert tags["og:url"] == "https://x.org/p/"
    assert "<p>Storms</p>" in text
    assert 'og:image" content="a_files/card.jpg"' in make(card=Card("a_files/card.jpg"))
    assert "16,384 × 16,384 px" in make()[: make().index("</title>") + 300]


def test_descriptor_is_in_the_page() -> None:
    source = data_of(make(width=1500, height=1100, tile=256, overlap=1, format="jpg"))["source"]
    assert source == {
        "width": 1500,
        "height": 1100,
        "tileSize": 256,
        "tileOverlap": 1,
        "tilesUrl": "poster_files/",
        "fileFormat": "jpg",
        "minLevel": 0,
        "maxLevel": 11,
    }


@pytest.mark.parametrize(
    ("side", "level"), [(1, 0), (2, 1), (3, 2), (512, 9), (2**29, 29), (2**31 - 1, 31)]
)
def test_levels(side: int, level: int) -> None:
    assert data_of(make(width=side, height=1))["source"]["maxLevel"] == level


@pytest.mark.parametrize(
    ("files", "encoded"),
    [
        ("a b_files", "a%20b_files"),
        ("50%#1?_files", "50%25%231%3F_files"),
        ("\"quoted'_files", "%22quoted%27_files"),
        ("žluť_files", "%C5%BElu%C5%A5_files"),
        ("c:d\\e_files", "c%3Ad%5Ce_files"),
        ("\udcff_files", "%FF_files"),
    ],
)
def test_urls_are_encoded(files: str, encoded: str) -> None:
    text = make(files=files)
    sources = [tag["src"] for name, tag in Parsed(text).tags if name == "script" and "src" in tag]
    assert sources == [f"{encoded}/openseadragon.min.js"]
    assert data_of(text)["source"]["tilesUrl"] == f"{encoded}/"


def test_nothing_breaks_out() -> None:
    plain, hostile = (
        make(title=text, summary={text: text}, scene=text, files=text) for text in ("x", HOSTILE)
    )
    names = [[name for name, _ in Parsed(text).tags] for text in (plain, hostile)]
    assert names[0] == names[1]
    parsed = Parsed(hostile)
    assert parsed.text["title"].strip() == parsed.text["name"].strip() == HOSTILE
    assert parsed.text["dd"].count(HOSTILE) == 1
    assert data_of(hostile)["scene"] == HOSTILE
    assert "\u2028" not in parsed.text["data"]


def test_names_that_are_not_unicode_can_be_written() -> None:
    assert make(title="\udcff", files="\udcff_files", scene="\udcff").encode("utf-8")


def test_nothing_is_left_to_fill_and_nothing_is_fetched() -> None:
    text = make()
    assert not re.search(r"\{\{\w+\}\}", text)
    for name, tag in Parsed(text).tags:
        for key in {"src", "href"} & tag.keys():
            assert name in ("script", "link")
            assert str(tag[key]).startswith(("data:", "poster_files/"))


def test_no_name_is_used_twice() -> None:
    ids = [tag["id"] for _, tag in Parsed(make()).tags if "id" in tag]
    assert len(ids) == len(set(ids))


def test_every_button_has_a_name() -> None:
    for name, tag in Parsed(make()).tags:
        if name == "button" and "text" not in str(tag.get("class")) and tag.get("id") != "info":
            assert tag["aria-label"]


@pytest.mark.parametrize(
    ("width", "height", "pixels", "paper"),
    [
        (300, 600, "180,000 pixels", "2.5 × 5.1 cm"),
        (16384, 16384, "268 megapixels", "138.7 × 138.7 cm"),
        (40000, 30000, "1.20 gigapixels", "338.7 × 254.0 cm"),
        (1_000_000, 1_000_000, "1.00 terapixels", "84.7 × 84.7 m"),
    ],
)
def test_panel_tells_the_size(width: int, height: int, pixels: str, paper: str) -> None:
    text = make(width=width, height=height)
    for fact in (f"{width:,} × {height:,} px", pixels, paper):
        assert f"<dd>{fact}</dd>" in text
    assert "<dt>Seed</dt><dd>7</dd>" in text


def test_assets_are_files_with_the_names_that_the_page_uses() -> None:
    assert [path.name for path in assets()] == [
        "openseadragon.min.js",
        "openseadragon.LICENSE.txt",
    ]
    assert all(path.stat().st_size for path in assets())


def test_missing_assets_say_how_to_get_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # By its name, because `tilecppn.exporters.page.page` as an attribute is the function.
    monkeypatch.setattr(import_module("tilecppn.exporters.page.page"), "_HERE", tmp_path)
    with pytest.raises(ExportError, match=r"openseadragon\.min\.js .* reinstall tilecppn"):
        assets()


def test_the_size_on_paper_is_at_the_scenes_resolution() -> None:
    text = make(width=600, height=300, per_inch=150.0)
    assert "Print at 150 ppi" in text
    assert "10.2 × 5.1 cm" in text
