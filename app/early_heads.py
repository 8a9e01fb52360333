"""Pages that take their time, sent in two: the head at once, so that the browser reads styles and scripts meanwhile.

The status is on its way with the head. What goes wrong after it is told in the page, which still has status 200."""

from collections.abc import Callable, Iterator
from typing import Any

from fastapi import Request
from jinja2 import pass_context
from jinja2.runtime import Context
from sqlmodel import Session
from starlette.responses import StreamingResponse

from app.errors import on_its_way
from app.templating import pieces

END_OF_HEAD = "\0"  # where templates/base.html calls `fill`, and has said nothing yet of what is on the page


def render_in_two(request: Request, name: str, find_out: Callable[[Session], dict[str, Any]]) -> StreamingResponse:
    """`find_out` is called when the head is on its way, and gives what the template names."""

    @pass_context
    def fill(context: Context) -> str:
        with request.app.state.database.reading() as session:
            context.vars.update(find_out(session))
        return ""

    def parts() -> Iterator[str]:
        page = pieces(request, name, end_of_head=END_OF_HEAD, fill=fill)
        yield _head(page)
        try:
            rest = "".join(page)
        except Exception as error:  # told, and logged where it is ours
            told = on_its_way(error)
            page = pieces(request, "pages/error.html", end_of_head=END_OF_HEAD, fill=str, **told.model_dump())
            _head(page)
            rest = "".join(page)
        yield rest

    return StreamingResponse(parts(), media_type="text/html")


def _head(page: Iterator[str]) -> str:
    return "".join(iter(page.__next__, END_OF_HEAD))
