"""Answers that both applications give."""

from starlette.responses import PlainTextResponse, Response


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
