"""Signing in and out, where the server has a token: by a link that works once, or by the token itself.

The browser then holds a cookie. Opening a link uses nothing up, since mail and chat programs open links too; the button
on the page does.
"""

from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import RedirectResponse, Response

from app.dependencies import CurrentSettings, CurrentTokenCheck
from app.security import own_path
from app.sign_in import SESSION_COOKIE, TooManyGuesses, is_code, use_code
from app.templating import render

SIGNED_IN_SECONDS = 30 * 24 * 3600  # guess, untuned
SEE_OTHER = 303
NOT_THE_TOKEN = "That is not this server's token."
NOT_A_CODE = "This link has been used, or is too old."

router = APIRouter()


@router.get("/login", name="login_page")
def login_page(
    request: Request, settings: CurrentSettings, check: CurrentTokenCheck, next: str = "/", code: str = ""
) -> Response:
    target = own_path(next) or "/"
    if check is None or check.is_session(request.cookies.get(SESSION_COOKIE, "")):
        return RedirectResponse(target, SEE_OTHER)
    if code and not is_code(settings.login_codes_dir, code):
        return _page(request, target, refusal=NOT_A_CODE, status_code=401)
    return _page(request, target, code=code)


@router.post("/login", name="login")
def login(
    request: Request,
    settings: CurrentSettings,
    check: CurrentTokenCheck,
    token: Annotated[str, Form(max_length=1000)] = "",
    code: Annotated[str, Form(max_length=1000)] = "",
    next: Annotated[str, Form()] = "/",
) -> Response:
    target = own_path(next) or "/"
    if check is None:
        return RedirectResponse(target, SEE_OTHER)
    try:
        is_let_in = use_code(settings.login_codes_dir, code) if code else check.is_token(token.strip())
    except TooManyGuesses as guesses:
        return _page(request, target, refusal=str(guesses), status_code=429)
    if not is_let_in:
        return _page(request, target, refusal=NOT_A_CODE if code else NOT_THE_TOKEN, status_code=401)
    response = RedirectResponse(target, SEE_OTHER)
    # Lax: a link to a run, in a mail or a wiki, opens it. What changes anything is a POST, and that from our own pages.
    response.set_cookie(
        SESSION_COOKIE, check.session, max_age=SIGNED_IN_SECONDS,
        httponly=True, samesite="lax", secure=request.url.scheme == "https",
    )  # fmt: skip
    return response


@router.post("/logout", name="logout")
def logout(request: Request) -> Response:
    """Signs this browser out; the cookies of others hold as long as the token does."""
    response = RedirectResponse(request.app.url_path_for("login_page"), SEE_OTHER)
    response.delete_cookie(SESSION_COOKIE)
    return response


def _page(request: Request, target: str, *, code: str = "", refusal: str = "", status_code: int = 200) -> Response:
    return render(request, "pages/login.html", status_code=status_code, next=target, code=code, refusal=refusal)
