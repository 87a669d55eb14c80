"""Check every request before it is handled, and add security headers to every response."""

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
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
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
    """Return a function that checks the Host header of a server listening on `host`; None allows
    any.

    Another site's name could resolve to this machine (DNS rebinding), and that site could then read
    what is served through a visitor's browser. A server that listens on all addresses accepts every
    address, and the machine's name.
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
    """Return whether only this machine can reach a server that listens on `host`."""
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
    """Passes on requests with exactly one Host header that names this server, and without a body.

    most_body: bytes that the body of a POST may have; 0 refuses every POST.
    """

    def __init__(
        self, app: ASGIApp, host: str | None, *, cors: bool = False, most_body: int = 0
    ) -> None:
        self.app, self.most_body = app, most_body
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
        methods = ("GET", "HEAD", "POST") if self.most_body else ("GET", "HEAD")
        if scope["method"] not in methods:
            allow = ", ".join(methods)
            return _closing(f"only {allow}", 405, allow=allow)
        return self._body_refusal(headers, self.most_body if scope["method"] == "POST" else 0)

    @staticmethod
    def _body_refusal(headers: list[tuple[bytes, bytes]], most: int) -> PlainTextResponse | None:
        """Return the refusal of a request whose headers announce a body that is too long or of
        unknown length.
        """
        lengths = [value for name, value in headers if name == b"content-length"]
        if any(name == b"transfer-encoding" for name, _ in headers) or len(lengths) > 1:
            return _closing("a request must say how long its body is", 413)
        length = lengths[0] if lengths else b"0"
        if len(length) > 12 or not length.isdigit() or int(length) > most:
            allowed = f"a body of {most:,} bytes at most" if most else "no body"
            return _closing(f"a request must have {allowed}", 413)
        return None


def _closing(text: str, status: int, **headers: str) -> PlainTextResponse:
    return PlainTextResponse(f"{text}\n", status, headers={"Connection": "close", **headers})
