"""Answers that both applications give."""

from typing import Final

from starlette.responses import PlainTextResponse, Response

TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".dzi": "application/xml",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    ".png": "image/png",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".webp": "image/webp",
    ".avif": "image/avif",
}


def not_found() -> Response:
    """404."""
    return PlainTextResponse("there is nothing here\n", 404)


def is_unchanged(request_tag: str | None, tag: str) -> bool:
    """Whether what a client has, by its If-None-Match, is what it would get."""
    return request_tag is not None and tag in (part.strip() for part in request_tag.split(","))


def busy(text: str) -> Response:
    """503, to be asked again in a second."""
    return PlainTextResponse(
        f"{text}\n", 503, headers={"Retry-After": "1", "Cache-Control": "no-store"}
    )
