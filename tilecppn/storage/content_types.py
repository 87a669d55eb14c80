"""HTTP headers of a file by its suffix: Content-Type and Cache-Control."""

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
# Files that refer to all others are revalidated each time; tiles may be cached for a day.
_REVALIDATED: Final = {".dzi", ".html", ".json", ".xml"}


def content_type(name: str) -> str:
    """Return the Content-Type of a file."""
    return TYPES.get(Path(name).suffix.lower(), "application/octet-stream")


def headers(name: str) -> dict[str, str]:
    """Return the Content-Type and Cache-Control of a file in a bucket."""
    revalidate = Path(name).suffix.lower() in _REVALIDATED
    return {
        "Content-Type": content_type(name),
        "Cache-Control": "no-cache" if revalidate else "public, max-age=86400",
    }
