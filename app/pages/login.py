"""Signing in with the server's token, where it has one; the browser then holds a cookie made from it."""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.dependencies import CurrentSettings
from app.security import SESSION_COOKIE, is_same, own_path, session_of
from app.templating import render

SIGNED_IN_SECONDS = 30 * 24 * 3600  # guess, untuned

router = APIRouter()


@router.get("/login", name="login_page")
def login_page(request: Request, settings: CurrentSettings, next: str = "/") -> Response:
    if settings.token is None:
        return RedirectResponse(own_path(next) or "/", status_code=303)
    return render(request, "pages/login.html", next=own_path(next) or "/", is_refused=False)


@router.post("/login", name="login")
def login(
    request: Request,
    settings: CurrentSettings,
    token: Annotated[str, Form(max_length=1000)],
    next: Annotated[str, Form()] = "/",
) -> Response:
    target = own_path(next) or "/"
    if settings.token is None:
        return RedirectResponse(target, status_code=303)
    secret = settings.token.get_secret_value()
    if not is_same(token.strip(), secret):
        return render(request, "pages/login.html", status_code=401, next=target, is_refused=True)
    response = RedirectResponse(target, status_code=303)
    response.set_cookie(
        SESSION_COOKIE, session_of(secret), max_age=SIGNED_IN_SECONDS,
        httponly=True, samesite="strict", secure=request.url.scheme == "https",
    )  # fmt: skip
    return response
