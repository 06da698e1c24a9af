"""Decide at one border, before any handler is chosen, which requests are let in.

Checked for every path alike (pages, data, static files, websockets and what does not exist):
the exact `Host` against DNS rebinding, the exact `Origin` against foreign pages, and the token.
Wholes are compared, never prefixes.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import hmac
import secrets
from collections.abc import Iterable
from urllib.parse import parse_qsl, urlencode, urlsplit

from tornado.httputil import HTTPServerRequest

from gpuboard import limits
from gpuboard.errors import InputError

LOOPBACK_NAMES = ("localhost", "127.0.0.1", "[::1]")
WILDCARD_HOSTS = ("0.0.0.0", "::", "")  # noqa: S104 - compared with, never bound here
MIN_TOKEN_CHARACTERS = 16

_SAFE_METHODS = ("GET", "HEAD")
_DEFAULT_PORTS = {"http": 80, "https": 443}

Origin = tuple[str, str, int]  # scheme, host in lower case, port


@dataclasses.dataclass(frozen=True, slots=True)
class Refusal:
    """What a refused request is answered with; `message` never repeats what was sent."""

    status: int
    title: str
    message: str


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """A page was opened with the token in its address: give a cookie, go on without the token."""

    location: str
    cookie: tuple[str, str] | None


Verdict = Refusal | Entry | None

_WRONG_HOST = Refusal(
    403,
    "This address is not served",
    "gpuboard answers only to the names it was started for. Open the address that it printed, or "
    "start it with --allow-host and the name in your address bar.",
)
_FOREIGN_PAGE = Refusal(
    403, "Refused", "This request comes from a page of another site, or does not say where from."
)
_NO_TOKEN = Refusal(
    401,
    "A token is needed",
    "Each start of gpuboard makes a new token and prints it as part of its address, after "
    "'?token='. Scripts send the header 'Authorization: Bearer TOKEN'.",
)
_TOO_LARGE = Refusal(
    413,
    "The request is too large",
    f"A request may carry {limits.MAX_REQUEST_BYTES.value} bytes "
    f"({limits.MAX_REQUEST_BYTES.name}).",
)


def is_loopback(host: str) -> bool:
    """Say whether `host` can be reached from this machine alone."""
    return host.strip("[]").lower() in ("localhost", "127.0.0.1", "::1")


def new_token() -> str:
    """Return a fresh token that nobody can guess."""
    return secrets.token_urlsafe(24)


def check_token(token: str, host: str) -> None:
    """Refuse a token that protects too little for `host`.

    Raises:
        InputError: The token is empty although others can reach `host`, or it is too short.
    """
    if not token and not is_loopback(host):
        raise InputError(
            f"host {host!r} can be reached from other machines, and there is no token; "
            "leave the token out to get a random one"
        )
    if token and len(token) < MIN_TOKEN_CHARACTERS:
        raise InputError(
            f"the token has {len(token)} characters, expected {MIN_TOKEN_CHARACTERS} or more; "
            "leave it out to get a random one"
        )


class Guard:
    """Judge requests by Host, Origin and token.

    Attributes:
        cookie_name: Carries the port, so that two servers on one machine do not log each other out.
    """

    def __init__(
        self,
        *,
        host: str,
        port: int,
        token: str,
        allow_hosts: Iterable[str] = (),
        page_paths: Iterable[str] = (),
    ) -> None:
        """Take in what is allowed.

        Args:
            host: Name or address that the server is bound to.
            port: Port that the server is bound to.
            token: What a request must know; "" asks for none.
            allow_hosts: Further names that lead here, as "name", "name:port" or
                "scheme://name:port".
            page_paths: Exact paths at which `?token=` is exchanged for a cookie.

        Raises:
            InputError: One of `allow_hosts` cannot be understood, or the token is too weak.
        """
        check_token(token, host)
        names = LOOPBACK_NAMES if host in WILDCARD_HOSTS else (*LOOPBACK_NAMES, bracketed(host))
        self._hosts: set[str] = set()
        self._origins: set[Origin] = set()
        for name in names:
            self._allow(("http", "https"), name.lower(), port)
        for entry in allow_hosts:
            self._allow_entry(entry, port)
        self._token = token.encode()
        self._page_paths = frozenset(page_paths)
        secret = secrets.token_bytes(32)
        self._pass = base64.urlsafe_b64encode(
            hmac.digest(secret, self._token, hashlib.sha256)
        ).rstrip(b"=")
        self.cookie_name = f"gpuboard-{port}"

    def judge(self, request: HTTPServerRequest) -> Verdict:
        """Return None for a request that may go on, else what it is answered with.

        The token is taken out of the request in any case, so that no later code, log line or
        error page can hold it.
        """
        claimed = self._take_token(request)
        if not self._is_own_host(request):
            return _WRONG_HOST
        if not self._is_own_page(request, claimed):
            return _FOREIGN_PAGE
        if not self._knows_token(request, claimed):
            return _NO_TOKEN
        if _content_length(request) > limits.MAX_REQUEST_BYTES.value:
            return _TOO_LARGE
        if claimed.from_query and request.method == "GET" and request.path in self._page_paths:
            return self._entry(request, claimed)
        return None

    def _allow(self, schemes: Iterable[str], name: str, port: int) -> None:
        self._hosts.add(f"{name}:{port}")
        for scheme in schemes:
            self._origins.add((scheme, name, port))
            if port == _DEFAULT_PORTS[scheme]:
                self._hosts.add(name)

    def _allow_entry(self, entry: str, own_port: int) -> None:
        schemes, name, port = _parse_allowed(entry)
        if port is not None:
            self._allow(schemes, name, port)
            return
        for scheme in schemes:  # behind a proxy the name stands on the scheme's own port
            self._allow((scheme,), name, _DEFAULT_PORTS[scheme])
        if len(schemes) > 1:
            self._allow(schemes, name, own_port)

    def _take_token(self, request: HTTPServerRequest) -> _Claim:
        query = request.query_arguments.get("token", [])
        header = request.headers.get("Authorization", "")
        scheme, _, value = header.partition(" ")
        if "Authorization" in request.headers:
            del request.headers["Authorization"]
        if "token=" in request.query or query:
            _strip_token(request)
        return _Claim(
            query=query[-1] if query else None,
            bearer=value.strip().encode() if scheme.lower() == "bearer" else None,
        )

    def _is_own_host(self, request: HTTPServerRequest) -> bool:
        given = request.headers.get_list("Host")
        return len(given) == 1 and given[0].lower() in self._hosts

    def _is_own_page(self, request: HTTPServerRequest, claimed: _Claim) -> bool:
        origins = request.headers.get_list("Origin")
        if origins:
            return len(origins) == 1 and parse_origin(origins[0]) in self._origins
        if claimed.bearer is not None and (not self._token or self._is_token(claimed.bearer)):
            return True  # no foreign page can send this header without asking first
        if _is_websocket(request) or request.method not in _SAFE_METHODS:
            return False
        # Other ports of localhost count as the same site, so a cookie alone proves nothing.
        fetched_by = request.headers.get("Sec-Fetch-Site", "none").lower()
        mode = request.headers.get("Sec-Fetch-Mode", "").lower()
        return fetched_by in ("none", "same-origin") or mode == "navigate"

    def _knows_token(self, request: HTTPServerRequest, claimed: _Claim) -> bool:
        if not self._token:
            return True
        return (
            (claimed.bearer is not None and self._is_token(claimed.bearer))
            or (claimed.query is not None and self._is_token(claimed.query))
            or self._has_cookie(request)
        )

    def _is_token(self, given: bytes) -> bool:
        return hmac.compare_digest(given, self._token)

    def _has_cookie(self, request: HTTPServerRequest) -> bool:
        morsel = request.cookies.get(self.cookie_name)
        return morsel is not None and hmac.compare_digest(
            morsel.value.encode("utf-8", "replace"), self._pass
        )

    def _entry(self, request: HTTPServerRequest, claimed: _Claim) -> Entry:
        is_known = claimed.query is not None and self._token and self._is_token(claimed.query)
        cookie = (self.cookie_name, self._pass.decode()) if is_known else None
        # Relative, so that it also holds behind a proxy that strips a prefix; its first part comes
        # from our own list of paths, so it cannot lead elsewhere.
        own = "./" + request.path.rpartition("/")[2]
        return Entry(own + ("?" + request.query if request.query else ""), cookie)


@dataclasses.dataclass(frozen=True, slots=True)
class _Claim:
    query: bytes | None
    bearer: bytes | None

    @property
    def from_query(self) -> bool:
        return self.query is not None


def parse_origin(text: str) -> Origin | None:
    """Return scheme, host and port of an `Origin` header, None if it is not exactly that."""
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        return None
    scheme, host = parts.scheme, parts.netloc.lower()
    if scheme not in _DEFAULT_PORTS or not host or f"{scheme}://{parts.netloc}" != text:
        return None
    if "@" in host or host.endswith(":"):
        return None
    name = host.removesuffix(f":{port}") if port is not None else host
    return scheme, name, port if port is not None else _DEFAULT_PORTS[scheme]


def _parse_allowed(entry: str) -> tuple[tuple[str, ...], str, int | None]:
    text = entry if "://" in entry else f"//{entry}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        parts, port = urlsplit("//"), None
    is_bare = not (parts.path or parts.query or parts.fragment or parts.username)
    if not parts.hostname or parts.scheme not in ("", *_DEFAULT_PORTS) or not is_bare:
        raise InputError(
            f"allowed host {entry!r} is not understood, expected 'name', 'name:port' or "
            "'https://name:port'"
        )
    schemes = (parts.scheme,) if parts.scheme else ("http", "https")
    if parts.scheme and port is None:
        port = _DEFAULT_PORTS[parts.scheme]
    return schemes, bracketed(parts.hostname.lower()), port


def bracketed(host: str) -> str:
    """Return `host` as it stands in an address: IPv6 in brackets, names in lower case."""
    name = host.lower()
    return f"[{name}]" if ":" in name and not name.startswith("[") else name


def _is_websocket(request: HTTPServerRequest) -> bool:
    return "Upgrade" in request.headers


def _content_length(request: HTTPServerRequest) -> int:
    text = request.headers.get("Content-Length", "0")
    return int(text) if text.isdecimal() and text.isascii() else 0


def _strip_token(request: HTTPServerRequest) -> None:
    pairs = parse_qsl(request.query, keep_blank_values=True)
    request.query = urlencode([(key, value) for key, value in pairs if key != "token"])
    request.uri = request.path + ("?" + request.query if request.query else "")
    request.arguments.pop("token", None)
    request.query_arguments.pop("token", None)
