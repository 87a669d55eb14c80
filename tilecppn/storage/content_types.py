"""What browsers and buckets are told of a file, by its suffix."""

from pathlib import Path
from typing import Final

TYPES: Final = {
    ".avif": "image/avif",
    ".css": "text/css; charset=utf-8",
    ".dzi": "application/xml",
    ".exr": "image/x-exr",
    ".jxl": "image/jxl",
    ".html": "text/html; charset=utf-8",
    ".jpeg": "image/jpeg",
    ".jpg": "image/jpeg",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".mbtiles": "application/vnd.sqlite3",
    ".pdf": "application/pdf",
    ".pmtiles": "application/vnd.pmtiles",
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".szi": "application/zip",
    ".tif": "image/tiff",
    ".txt": "text/plain; charset=utf-8",
    ".webp": "image/webp",
    ".xml": "application/xml",
}
# What names all others is asked for each time; a tile may be kept for a day.
_ASKED_AGAIN: Final = {".dzi", ".html", ".json", ".xml"}


def content_type(name: str) -> str:
    """The Content-Type of a file."""
    return TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def headers(name: str) -> dict[str, str]:
    """Content-Type and Cache-Control that a file in a bucket is given."""
    again = Path(name).suffix.lower() in _ASKED_AGAIN
    return {
        "Content-Type": content_type(name),
        "Cache-Control": "no-cache" if again else "public, max-age=86400",
    }
