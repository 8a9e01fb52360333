"""What stands before every route: Host, Origin, body size and token; and the headers that go with every answer.

Plain ASGI, so that streams pass through as they come.
"""

from ipaddress import ip_address
from urllib.parse import quote, urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.sign_in import SESSION_COOKIE, TokenCheck, TooManyGuesses
from core.settings import Settings

# All that is told without the token. A name that ends in "/" stands for the whole folder.
OPEN_PATHS = ("/healthz", "/login", "/static/")
MAX_BODY_BYTES = 2**20
UPLOAD = ("POST", "/api/v1/datasets")  # the one body that may be large; it is never held in memory
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:;"
    " object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)  # 'unsafe-inline' styles: Plotly sets them
HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-cache",  # kept, but asked about each time: pages tell the present, files may be updated
}


class Guard:
    """Refuses what must not reach a route."""

    def __init__(self, app: ASGIApp, settings: Settings, check: TokenCheck | None) -> None:
        self._app = app
        self._hosts = LOOPBACK_NAMES | {name.lower() for name in (settings.host, *settings.allowed_hosts)}
        self._check = check
        self._upload_bytes = settings.max_upload_mib * 2**20

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self._app(scope, receive, send)
        headers = Headers(scope=scope)
        most = self._upload_bytes if (scope["method"], scope["path"]) == UPLOAD else MAX_BODY_BYTES
        response = (
            self._wrong_host(scope, headers)
            or _cross_origin(scope, headers)
            or self._without_token(scope, headers)
            or _too_large(scope, headers, most)
        )
        await (response or self._app)(scope, _counted(receive, most), _with_headers(send))

    def _wrong_host(self, scope: Scope, headers: Headers) -> Response | None:
        """Against DNS rebinding: a name that an attacker owns may lead to this machine, but it is not one of ours."""
        asked = headers.getlist("host")
        name = _host_name(asked[0]) if len(asked) == 1 else None
        if name is not None and (
            name in self._hosts or asked[0].lower() in self._hosts or _is_own_address(name, scope)
        ):
            return None
        return _refusal(scope, 400, "The server is not reached by this name; TRAINYARD_ALLOWED_HOSTS adds names.")

    def _without_token(self, scope: Scope, headers: Headers) -> Response | None:
        if self._check is None or _is_open(scope["path"]):
            return None
        cookie = cookie_parser(headers.get("cookie", "")).get(SESSION_COOKIE, "")
        scheme, _, shown = headers.get("authorization", "").partition(" ")
        try:
            if self._check.is_session(cookie) or (scheme.lower() == "bearer" and self._check.is_token(shown.strip())):
                return None
        except TooManyGuesses as guesses:
            return _refusal(scope, 429, str(guesses))
        return _ask_for_token(scope, headers)


def _is_open(path: str) -> bool:
    return any(path == listed or (listed.endswith("/") and path.startswith(listed)) for listed in OPEN_PATHS)


def own_path(path: str) -> str | None:
    """The path where it leads nowhere but to this server: "//host" and "/\\host" would leave it."""
    is_own = path.startswith("/") and path[1:2] not in ("/", "\\") and path.isprintable()
    return path if is_own else None


def _ask_for_token(scope: Scope, headers: Headers) -> Response:
    """A person is led to the form; a program, or a part of a page, is told."""
    is_page = scope["method"] == "GET" and "text/html" in headers.get("accept", "")
    if is_page and "hx-request" not in headers:
        asked = scope["path"] + (f"?{scope['query_string'].decode('latin-1')}" if scope["query_string"] else "")
        return RedirectResponse(f"/login?next={quote(asked, safe='')}", status_code=303)
    response = _refusal(
        scope, 401, "This server asks for its token: Authorization: Bearer <token>, or sign in at /login."
    )
    response.headers["WWW-Authenticate"] = "Bearer"
    if "hx-request" in headers:
        response.headers["HX-Redirect"] = "/login"
    return response


def _cross_origin(scope: Scope, headers: Headers) -> Response | None:
    """A browser says where a request comes from; what another site sends may change nothing. Programs say nothing."""
    if scope["method"] in SAFE_METHODS:
        return None
    origin, site = headers.get("origin"), headers.get("sec-fetch-site", "none")
    is_own_origin = origin is None or _authority(origin) == headers["host"].lower()
    if is_own_origin and site in ("none", "same-origin"):
        return None
    return _refusal(scope, 403, "This request comes from another site.")


def _too_large(scope: Scope, headers: Headers, most: int) -> Response | None:
    length = headers.get("content-length", "0")
    if length.isascii() and length.isdigit() and int(length[:15]) <= most:
        return None
    return _refusal(scope, 413, f"A body may have {most:,} bytes.")


def _counted(receive: Receive, most: int) -> Receive:
    """For bodies that come in chunks and do not say how long they are."""
    received = 0

    async def counting() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, f"A body may have {most:,} bytes.")
        return message

    return counting


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in HEADERS.items():
                headers.setdefault(name, value)
        await send(message)

    return sending


def _refusal(scope: Scope, status: int, detail: str) -> Response:
    """Short: neither the Host, which makes links, nor the visitor is trusted yet, so there is no page."""
    if scope["path"].startswith("/api/"):
        told = {"type": "about:blank", "title": detail, "status": status, "detail": detail}
        return JSONResponse(told, status, media_type="application/problem+json")
    return PlainTextResponse(detail, status)


def _host_name(host: str) -> str | None:
    try:
        return urlsplit(f"//{host}").hostname
    except ValueError:
        return None


def _authority(origin: str) -> str | None:
    try:
        return urlsplit(origin).netloc.lower()
    except ValueError:
        return None


def _is_own_address(name: str, scope: Scope) -> bool:
    """Whether it is the address that the connection came in at: by number, no name can lead there."""
    try:
        return scope["server"] is not None and ip_address(name) == ip_address(scope["server"][0])
    except ValueError:  # a name, or a socket file
        return False
