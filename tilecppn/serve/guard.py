"""What every request must be before it is looked at, and what every answer says to browsers."""

import ipaddress
import re
import socket
from collections.abc import Callable
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

LOOPBACK: Final = "127.0.0.1"
_HOST: Final = re.compile(r"(\[[0-9a-f:.]+\]|[a-z0-9_.-]+)(?::[0-9]{1,5})?")
_POLICY: Final = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'unsafe-inline'; "
    "img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'"
)
_SECURITY: Final = [
    (b"content-security-policy", _POLICY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"referrer-policy", b"no-referrer"),
]
_OWN_PAGES: Final = [(b"cross-origin-resource-policy", b"same-origin")]
_ANY_PAGE: Final = [
    (b"cross-origin-resource-policy", b"cross-origin"),
    (b"access-control-allow-origin", b"*"),
]


def host_check(host: str | None) -> Callable[[str], bool]:
    """Whether a name may stand in the Host header of a server that listens on `host`; None: any.

    Another site's name may lead to this machine, and that site could then read what is served
    through a visitor's browser. A server that listens on all addresses takes every address, and
    the machine's name.
    """
    if host is None:
        return lambda name: True
    names = {"localhost", LOOPBACK, host.lower(), f"[{host.lower()}]"}
    if not _is_any(host):
        return names.__contains__
    own = socket.gethostname().lower()
    names |= {own, f"{own.partition('.')[0]}.local"}
    return lambda name: name in names or _is_address(name)


def is_local(host: str) -> bool:
    """Whether only this machine can reach a server that listens on `host`."""
    return host == "localhost" or (_is_address(host) and ipaddress.ip_address(host).is_loopback)


def _is_any(host: str) -> bool:
    return _is_address(host) and ipaddress.ip_address(host).is_unspecified


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.removeprefix("[").removesuffix("]"))
    except ValueError:
        return False
    return True


class Guard:
    """Lets requests through that name this server once, and have no body."""

    def __init__(self, app: ASGIApp, host: str | None, *, cors: bool = False) -> None:
        self.app = app
        self.headers = [*_SECURITY, *(_ANY_PAGE if cors else _OWN_PAGES)]
        self.is_ours = host_check(host)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return

        async def secured(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", ()), *self.headers]
            await send(message)

        await (self._refusal(scope) or self.app)(scope, receive, secured)

    def _refusal(self, scope: Scope) -> PlainTextResponse | None:
        headers: list[tuple[bytes, bytes]] = scope["headers"]
        hosts = [value for name, value in headers if name == b"host"]
        if len(hosts) != 1:
            return _closing("a request must have one Host header", 400)
        found = _HOST.fullmatch(hosts[0].decode("latin-1").lower())
        if found is None or not self.is_ours(found[1]):
            return _closing("this server has another name", 421)
        if scope["method"] not in ("GET", "HEAD"):
            return _closing("only GET and HEAD", 405, allow="GET, HEAD")
        if any(
            name == b"transfer-encoding" or (name == b"content-length" and value != b"0")
            for name, value in headers
        ):
            return _closing("a request must have no body", 413)
        return None


def _closing(text: str, status: int, **headers: str) -> PlainTextResponse:
    return PlainTextResponse(f"{text}\n", status, headers={"Connection": "close", **headers})
