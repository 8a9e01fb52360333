"""Rendering pages and partials: the template environment, its filters and its links."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fastapi import Request
from fastapi.templating import Jinja2Templates
from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context, select_autoescape
from jinja2.runtime import Context
from starlette.responses import HTMLResponse

from app.formatting import FILTERS

ROOT = Path(__file__).parent.parent
STATIC_FOLDER = ROOT / "static"


@pass_context
def _url_for(context: Context, name: str, /, **parameters: Any) -> str:  # Any: ids and names, as Starlette has it
    """The path of a route, without scheme and host: right behind any proxy."""
    request: Request = context["request"]
    return str(request.scope.get("root_path", "")) + _path(request.app, name, parameters)


def _path(app: Any, name: str, parameters: dict[str, Any]) -> str:
    """Looked up once for each route, since Starlette tries all of them each time: a quarter of the time of a page with
    several links in each of fifty rows."""
    if not all(isinstance(value, int) for value in parameters.values()):
        return str(app.url_path_for(name, **parameters))
    known: dict[str, str] = app.state.paths
    if name not in known:
        known[name] = str(app.url_path_for(name, **{parameter: f"{{{parameter}}}" for parameter in parameters}))
    return known[name].format_map(parameters)


_environment = Environment(
    loader=FileSystemLoader(ROOT / "templates"),
    autoescape=select_autoescape(default=True, default_for_string=True),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_environment.filters.update(FILTERS)
_environment.policies["json.dumps_kwargs"] = {"separators": (",", ":")}  # no spaces: a tenth of a figure
_environment.globals["url_for"] = _url_for
_templates = Jinja2Templates(env=_environment)


def rendered(name: str, **context: Any) -> str:
    """A template that needs no request, everything in it escaped."""
    return _environment.get_template(name).render(context)


def render(request: Request, name: str, *, status_code: int = 200, **context: Any) -> HTMLResponse:
    """A page or partial, everything in it escaped; `context` is what the template names."""
    return _templates.TemplateResponse(request, name, context, status_code=status_code)


def pieces(request: Request, name: str, **context: Any) -> Iterator[str]:
    """The same bit by bit, as the template comes to it."""
    return _environment.get_template(name).generate(context, request=request)
