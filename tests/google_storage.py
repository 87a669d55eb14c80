"""A stand-in for Google Cloud Storage: that part of its XML API which obstore uses, in memory.

python tests/google_storage.py PORT [SECONDS]

It follows https://cloud.google.com/storage/docs/xml-api, and proves nothing about Google's own
servers. SECONDS must pass between two changes of an object, as https://cloud.google.com/storage/quotas
says of 1 s; earlier ones are refused. Any credentials are accepted.
"""

import hashlib
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple
from urllib.parse import parse_qsl, unquote, urlsplit
from xml.etree import ElementTree
from xml.sax.saxutils import escape

PAGE = 10  # entries of a listing; Google gives up to 1,000, but then tests would have one page
SMALLEST_PART = 5 * 2**20  # bytes, except for an upload's last part
STORED = ("cache-control", "content-disposition", "content-encoding", "content-language")


class RefusedError(Exception):
    """A request that is answered by an error: its status, and its code for programs."""


class Request(NamedTuple):
    """A request. name: the object's, or "" for the bucket itself; names of headers are lower."""

    method: str
    bucket: str
    name: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes


class Object(NamedTuple):
    """An object, or a part of one. generation: microseconds since 1970."""

    data: bytes
    generation: int
    headers: Mapping[str, str]  # of answers


class Answer(NamedTuple):
    """A response."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""


class Storage:
    """Buckets with objects, and uploads. pause: seconds between two changes of an object."""

    def __init__(self, pause: float) -> None:
        self.pause = pause
        self.buckets: dict[str, dict[str, Object]] = {}
        self.uploads: dict[str, tuple[Request, dict[int, Object]]] = {}
        self.changed: dict[tuple[str, str], float] = {}
        self.last = 0

    def answer(self, request: Request) -> Answer:
        """Do what a request asks for. Raises RefusedError."""
        method, bucket, name, query, headers, body = request
        if method == "PUT" and not name:
            if bucket in self.buckets:
                raise RefusedError(409, "BucketAlreadyOwnedByYou")
            self.buckets[bucket] = {}
            return Answer(200)
        if bucket not in self.buckets:
            raise RefusedError(404, "NoSuchBucket")
        if not name:
            return Answer(200, {}, _listing(self.buckets[bucket], query))
        if query:
            return self._multipart(request)
        found = self.buckets[bucket].get(name)
        if method == "PUT":
            wanted = headers.get("x-goog-if-generation-match")
            if wanted is not None and int(wanted) != (found.generation if found else 0):
                raise RefusedError(412, "PreconditionFailed")
            made = self._object(body, headers)
            self._change(request, made)
            return Answer(200, made.headers)
        if found is None:
            raise RefusedError(404, "NoSuchKey")
        if method == "DELETE":
            self._change(request, None)
            return Answer(204)
        return _content(found, headers.get("range"))

    def _change(self, request: Request, made: Object | None) -> None:
        now, place = time.monotonic(), (request.bucket, request.name)
        if now - self.changed.get(place, -self.pause) < self.pause:
            raise RefusedError(429, "SlowDown")
        self.changed[place] = now
        objects = self.buckets[request.bucket]
        objects.pop(request.name, None)
        objects |= {request.name: made} if made else {}

    def _object(self, data: bytes, headers: Mapping[str, str], *, joined: bool = False) -> Object:
        self.last = max(self.last + 1, time.time_ns() // 1000)
        # Equal bytes have equal ETags, unless they were uploaded in parts.
        etag = f"-{self.last}" if joined else hashlib.md5(data, usedforsecurity=False).hexdigest()
        described = {
            "Content-Type": headers.get("content-type", "application/octet-stream"),
            "ETag": f'"{etag}"',
            "Last-Modified": formatdate(self.last / 1e6, usegmt=True),
            "x-goog-generation": str(self.last),
        }
        kept = {k: v for k, v in headers.items() if k in STORED or k.startswith("x-goog-meta-")}
        return Object(data, self.last, described | kept)

    def _multipart(self, request: Request) -> Answer:
        method, _, name, query, headers, body = request
        if method == "POST" and "uploads" in query:
            key = f"upload-{len(self.changed)}-{time.time_ns()}"
            self.uploads[key] = request, {}
            return Answer(200, {}, _xml("InitiateMultipartUploadResult", UploadId=key))
        begun, parts = self.uploads.get(query["uploadId"], (None, {}))
        if begun is None or begun.name != name:
            raise RefusedError(404, "NoSuchUpload")
        if method == "PUT":
            part = parts[int(query["partNumber"])] = self._object(body, headers)
            return Answer(200, part.headers)
        made = None
        if method == "POST":
            made = self._object(b"".join(_joined(parts, body)), begun.headers, joined=True)
            self._change(request, made)
        del self.uploads[query["uploadId"]]
        if made is None:
            return Answer(204)
        text = _xml("CompleteMultipartUploadResult", Key=name, ETag=made.headers["ETag"])
        return Answer(200, {"x-goog-generation": str(made.generation)}, text)


def _joined(parts: Mapping[int, Object], body: bytes) -> Iterator[bytes]:
    """Yield the bytes of the parts that are listed in a body."""
    found = ElementTree.fromstring(body).findall("Part")
    listed = [(int(part.findtext("PartNumber", "0")), part.findtext("ETag")) for part in found]
    if not listed or listed != sorted(listed):
        raise RefusedError(400, "InvalidPartOrder")
    for number, etag in listed:
        if number not in parts or parts[number].headers["ETag"] != etag:
            raise RefusedError(400, "InvalidPart")
        if len(parts[number].data) < SMALLEST_PART and number != listed[-1][0]:
            raise RefusedError(400, "EntityTooSmall")
        yield parts[number].data


def _content(found: Object, asked: str | None) -> Answer:
    """Return an object, or the range of it that is asked for: bytes=1-2, bytes=1- or bytes=-2."""
    size = len(found.data)
    if asked is None:
        return Answer(200, found.headers, found.data)
    first, _, last = asked.removeprefix("bytes=").partition("-")
    start = int(first) if first else max(0, size - int(last))
    end = min(size, int(last) + 1) if first and last else size
    if start >= end:
        raise RefusedError(416, "InvalidRange")
    place = {"Content-Range": f"bytes {start}-{end - 1}/{size}"}
    return Answer(206, {**found.headers, **place}, found.data[start:end])


def _listing(objects: Mapping[str, Object], query: Mapping[str, str]) -> bytes:
    """Return a page of objects and, with a delimiter, of common prefixes, in one order."""
    prefix, delimiter = query.get("prefix", ""), query.get("delimiter", "")
    after = query.get("continuation-token", query.get("start-after", ""))
    entries = set()
    for name in objects:
        if name.startswith(prefix):
            end = name.find(delimiter, len(prefix)) if delimiter else -1
            entries.add(name if end < 0 else name[: end + len(delimiter)])
    rest = sorted(entry for entry in entries if entry > after)
    page = rest[: min(PAGE, int(query.get("max-keys", PAGE)))]
    lines = []
    for entry in page:
        if delimiter and entry.endswith(delimiter):
            lines.append(f"<CommonPrefixes><Prefix>{escape(entry)}</Prefix></CommonPrefixes>")
            continue
        found = objects[entry]
        modified = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(found.generation / 1e6))
        lines.append(
            f"<Contents><Key>{escape(entry)}</Key><Generation>{found.generation}</Generation>"
            f"<LastModified>{modified}</LastModified><ETag>{found.headers['ETag']}</ETag>"
            f"<Size>{len(found.data)}</Size></Contents>"
        )
    more = {"NextContinuationToken": page[-1]} if len(rest) > len(page) else {}
    return _xml("ListBucketResult", "".join(lines), IsTruncated=str(bool(more)).lower(), **more)


def _xml(tag: str, inside: str = "", **texts: str) -> bytes:
    fields = "".join(f"<{name}>{escape(text)}</{name}>" for name, text in texts.items())
    return f"<?xml version='1.0' encoding='UTF-8'?><{tag}>{fields}{inside}</{tag}>".encode()


class Handler(BaseHTTPRequestHandler):
    """Reads requests and writes answers."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    lock = threading.Lock()
    storage: Storage

    def respond(self) -> None:
        url = urlsplit(self.path)
        bucket, _, name = url.path[1:].partition("/")
        query = dict(parse_qsl(url.query, keep_blank_values=True))
        headers = {name.lower(): value for name, value in self.headers.items()}
        body = self.rfile.read(int(headers.get("content-length", 0)))
        request = Request(self.command, unquote(bucket), unquote(name), query, headers, body)
        try:
            with self.lock:
                answer = self.storage.answer(request)
        except RefusedError as error:
            status, code = error.args
            answer = Answer(status, {}, _xml("Error", Code=code))
        self.send_response(answer.status)
        for field, value in answer.headers.items():
            self.send_header(field, value)
        self.send_header("Content-Length", str(len(answer.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_GET = do_HEAD = do_PUT = do_POST = do_DELETE = respond

    def log_message(self, format: str, *args: object) -> None:
        """Log nothing."""


class HTTPServer(ThreadingHTTPServer):
    """Lets many connect at once."""

    request_queue_size = 128


if __name__ == "__main__":
    Handler.storage = Storage(float(sys.argv[2]) if len(sys.argv) > 2 else 0.0)
    HTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
