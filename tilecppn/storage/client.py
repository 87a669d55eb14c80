"""Clients of object stores, made by obstore, whose errors become OSError.

Settings and credentials come only from each provider's environment variables, as obstore reads
them (AWS_ENDPOINT_URL, AWS_ACCESS_KEY_ID, GOOGLE_SERVICE_ACCOUNT, AZURE_STORAGE_ACCOUNT_NAME …).
No error text contains the URL of a request, which could carry a signature.
"""

import contextlib
import errno
import functools
import os
import re
from collections.abc import Iterator
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from tilecppn.addresses import BucketPath
from tilecppn.errors import StoreError

if TYPE_CHECKING:
    from obstore.store import AzureStore, GCSStore, S3Store

    Client = S3Store | GCSStore | AzureStore

TIMEOUT = timedelta(seconds=120)  # for one attempt at a request, such as a shard's upload
CONNECT_TIMEOUT = timedelta(seconds=10)
RETRIES: Any = {
    "max_retries": 8,
    "retry_timeout": timedelta(seconds=180),
    "backoff": {"init_backoff": timedelta(seconds=0.1), "max_backoff": timedelta(seconds=10)},
}
PROXIES = ("https_proxy", "HTTPS_PROXY", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY")
VARIABLES = {"s3": "AWS", "gs": "GOOGLE", "az": "AZURE"}  # what their names begin with
WRONG_CLOCK = "the server refuses requests, since this machine's clock is wrong; set it"
_YES = {"1", "true", "yes", "on", "y"}
_STATUS = re.compile(r"status code: (\d+ [A-Za-z ]*[A-Za-z])")
_CODE = re.compile(r"<Code>(\w+)</Code>")


def client_of(path: BucketPath, prefix: str = "") -> "Client":
    """Return a client of a path's bucket, whose names are relative to `prefix`.

    Raises StoreError if obstore is missing, or the settings in the environment are wrong.
    """
    return _client(path.scheme, path.bucket, prefix)


@functools.lru_cache(maxsize=64)
def _client(scheme: str, bucket: str, prefix: str) -> "Client":
    try:
        from obstore.exceptions import BaseError
        from obstore.store import AzureStore, GCSStore, S3Store
    except ImportError:
        raise StoreError(
            f'{scheme}://{bucket}: buckets need the extra cloud: pip install "tilecppn[cloud]"'
        ) from None
    # client_options hide the environment's, so *_ALLOW_HTTP must be passed on.
    allow_http = any(
        value.lower() in _YES for name, value in os.environ.items() if name.endswith("_ALLOW_HTTP")
    )
    shared: Any = {
        "prefix": prefix or None,
        "retry_config": RETRIES,
        "client_options": {
            "allow_http": allow_http,
            "timeout": TIMEOUT,
            "connect_timeout": CONNECT_TIMEOUT,
        },
    }
    try:
        if scheme == "s3":
            checked = os.environ.get("AWS_CHECKSUM_ALGORITHM", "SHA256")
            return S3Store(bucket, checksum_algorithm=checked, **shared)
        return GCSStore(bucket, **shared) if scheme == "gs" else AzureStore(bucket, **shared)
    except (BaseError, ValueError) as error:
        raise StoreError(f"{scheme}://{bucket}: {_words(error)}; check the environment") from None


@contextlib.contextmanager
def as_os_errors(path: BucketPath) -> Iterator[None]:
    """Raise an error of obstore in the block as an OSError that names the object.

    FileNotFoundError if the object is missing, PermissionError if access is denied; errno EIO for a
    range past its end. Any other has errno ETIMEDOUT, and may be temporary.
    """
    from obstore.exceptions import BaseError, PermissionDeniedError, UnauthenticatedError

    try:
        yield
    except (BaseError, FileNotFoundError) as error:
        words = _words(error)
        if "NoSuchBucket" in str(error):
            raise FileNotFoundError(errno.ENOENT, "no such bucket", str(path)) from None
        if isinstance(error, FileNotFoundError):
            raise FileNotFoundError(errno.ENOENT, "no such object", str(path)) from None
        if "RequestTimeTooSkewed" in str(error):  # until the machine asks for the time
            raise OSError(errno.ETIMEDOUT, WRONG_CLOCK, str(path)) from None
        denied = isinstance(error, PermissionDeniedError | UnauthenticatedError)
        if denied or words.startswith(("401", "403")):
            raise PermissionError(
                errno.EACCES, f"access denied ({words}); check the credentials", str(path)
            ) from None
        if "builder error" in words:
            needed = f"{VARIABLES[path.scheme]}_ALLOW_HTTP=true"
            raise PermissionError(
                errno.EACCES, f"an endpoint of http:// needs {needed}", str(path)
            ) from None
        number = errno.EIO if words.startswith("416") else errno.ETIMEDOUT
        raise OSError(number, words, str(path)) from None


def _words(error: Exception) -> str:
    """Return a short error text: the status and code of a response, else the cause."""
    text = str(error)
    if found := _STATUS.search(text):
        code = _CODE.search(text)
        return found[1] + (f", {code[1]}" if code else "")
    if "error sending request" in text:
        return f"the server cannot be reached{_proxy_hint()}"
    cause = text.split("\n")[0].rpartition(" - ")[2]
    return re.sub(r"https?://\S+", "…", cause).strip()[:200]


def _proxy_hint() -> str:
    """Return what to do if requests go through a proxy, as obstore's do; "" if they do not."""
    name = next((name for name in PROXIES if os.environ.get(name)), None)
    if name is None:
        return ""
    return f" through the proxy of {name}; if it needs none, add its host to NO_PROXY"
