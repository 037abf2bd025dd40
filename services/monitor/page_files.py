"""The page: its files, as they are served at `/` and below `/page/`."""

from collections.abc import Mapping, Sequence
from importlib.resources import files
from typing import Final

from aiohttp import web

from services.telemetry.openapi import Route

MEDIA_TYPES: Final = {"html": "text/html", "css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}

POLICY: Final = (
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
)
"""
Document text is hostile, and nothing of ours lies elsewhere.

What is not our own file is not loaded, and what is written into the page is no code.
"""

HEADERS: Final = {
    "Content-Security-Policy": "; ".join(POLICY),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    # A new release is seen at the next reload.
    "Cache-Control": "no-cache",
}


def routes() -> Sequence[Route]:
    """Return the page's routes; its files are read once, now."""
    kept = _files()

    async def index(_: web.Request) -> web.Response:
        return _answer("index.html", kept)

    async def file(request: web.Request) -> web.Response:
        return _answer(request.match_info["file"], kept)

    html = MEDIA_TYPES["html"]
    return (
        Route("GET", "/", index, "The page, for people.", media_type=html),
        Route("GET", "/page/{file}", file, "A file of the page.", media_type="text/*", may_be_missing=True),
    )


def _files() -> dict[str, bytes]:
    folder = files("services.monitor") / "page"
    return {each.name: each.read_bytes() for each in folder.iterdir() if each.name.rpartition(".")[2] in MEDIA_TYPES}


def _answer(name: str, kept: Mapping[str, bytes]) -> web.Response:
    if name not in kept:
        raise web.HTTPNotFound(text=f"the page has no file {name}")
    media_type = MEDIA_TYPES[name.rpartition(".")[2]]
    return web.Response(body=kept[name], content_type=media_type, charset="utf-8", headers=HEADERS)
