"""What went wrong, in HTTP: problem+json (RFC 9457) for programs, a page for people. Nothing else knows both."""

import logging
from collections.abc import Awaitable, Callable, Mapping
from http import HTTPStatus
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ConfigDict, Field
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as NoConnection
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from app.security import HEADERS
from app.templating import render
from core.architectures.catalogue import UnknownArchitecture
from core.architectures.shapes import ArchitectureError
from core.chosen_runs import NothingCompared
from core.dataset_files import EntryNotFound, NoRoom
from core.dataset_places import DatasetInUse
from core.dataset_store import DatasetBroken, DatasetMissing, ImageNotFound
from core.dataset_tasks import NameTaken, TaskNotFound, TooManyTasks
from core.datasets import UnknownDataset
from core.experiments import ExperimentNotFound
from core.gallery import GalleryFull, ImageGone
from core.idempotency import KeyReused
from core.image_files import ImageRefused
from core.invalid_run_config import InvalidRunConfig, problems_of
from core.more_seeds import GroupNotFound, StillOpen
from core.predictions import PredictionsMissing
from core.run_files import ArtifactNotFound
from core.run_state import IllegalMove, RunNotFound
from core.runs import InvalidCursor
from core.trained_weights import WeightsMissing, WeightsReplaced

BUSY = 503
DISK_FULL = 507
LOOK_AT_IT = "Look at it again: it may have changed since the page was loaded."
OUR_FAULT = "Something went wrong here; the server's log says what."
IMAGES_COME = "Its images come with the first run on it; one that was imported is imported again."

logger = logging.getLogger(__name__)


class FieldProblem(BaseModel):
    model_config = ConfigDict(frozen=True)

    field: str = Field(examples=["epochs"])
    reason: str = Field(examples=["input should be greater than or equal to 1"])


class Problem(BaseModel):
    """Problem details, RFC 9457."""

    model_config = ConfigDict(frozen=True)

    type: str = "about:blank"
    title: str = Field(examples=["Unprocessable Content"])
    status: int = Field(examples=[422])
    detail: str = Field(description="what went wrong, for a person", examples=["Some values cannot be used."])
    suggestion: str | None = Field(None, description="what to do about it")
    errors: tuple[FieldProblem, ...] = Field((), description="each refused value with its reason")


def add_error_handlers(app: FastAPI) -> None:
    """Every exception that a route may raise gets its answer; what is not listed here is our fault, a 500."""
    for kind, describe in _DESCRIPTIONS.items():
        app.add_exception_handler(kind, _handler(describe))
    app.add_exception_handler(Exception, _unexpected)


# Any: FastAPI's own type for what it puts into OpenAPI.
def problems(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of a route that may answer so."""
    return {status: {"model": Problem, "description": HTTPStatus(status).phrase} for status in statuses}


def problem(
    status: int, detail: str, *, suggestion: str | None = None, errors: Mapping[str, str] | None = None
) -> Problem:
    """Texts may hold what a client sent: what is no text in any encoding is replaced."""
    listed = tuple(FieldProblem(field=_text(field), reason=_text(why)) for field, why in (errors or {}).items())
    title = HTTPStatus(status).phrase
    return Problem(title=title, status=status, detail=_text(detail), suggestion=suggestion, errors=listed)


def answer(request: Request, told: Problem, headers: Mapping[str, str] | None = None) -> Response:
    """The problem as this client reads it."""
    if request.url.path.startswith("/api/") or request.url.path in ("/healthz", "/readyz"):
        body = told.model_dump_json(exclude_none=True)
        return Response(body, told.status, headers, media_type="application/problem+json")
    reasons = "; ".join(f"{error.field}: {error.reason}" for error in told.errors)
    detail = f"{told.detail} {reasons}".strip()
    page = render(
        request, "pages/error.html", status_code=told.status,
        status=told.status, title=told.title, detail=detail, suggestion=told.suggestion,
    )  # fmt: skip
    page.headers.update(headers or {})
    return page


# Any: the exception's own type, which a table of callables cannot say.
def _handler(describe: Callable[[Any], Problem]) -> Callable[[Request, Any], Awaitable[Response]]:
    async def handle(request: Request, error: Any) -> Response:
        told = describe(error)
        headers = dict(getattr(error, "headers", None) or {})
        if told.status == BUSY:
            headers["Retry-After"] = "1"
        return answer(request, told, headers)

    return handle


async def _unexpected(request: Request, error: Exception) -> Response:
    """Answered outside of the security middleware, so with its headers here; the server logs the traceback."""
    return answer(request, problem(500, OUR_FAULT), HEADERS)


def on_its_way(error: Exception) -> Problem:
    """The same for an answer whose head was sent, where no handler comes in any more."""
    describe = next((_DESCRIPTIONS[kind] for kind in type(error).__mro__ if kind in _DESCRIPTIONS), None)
    if describe is not None:
        return describe(error)
    logger.error("A page could not be written to its end.", exc_info=error)
    return problem(500, OUR_FAULT)


def _refused_values(error: RequestValidationError) -> Problem:
    """Places are such as ("path", "run_id") or ("body", "epochs")."""
    mistakes = error.errors()
    if any(mistake["loc"][0] == "path" for mistake in mistakes):
        return problem(404, "There is nothing here with that id or name.")
    if any(mistake["type"] == "json_invalid" for mistake in mistakes):
        return problem(400, "The body is not JSON.")
    named = [mistake | {"loc": mistake["loc"][1:] or ("body",)} for mistake in mistakes]
    return _problems(problems_of(named))


def _problems(errors: Mapping[str, str]) -> Problem:
    return problem(422, "Some values cannot be used.", errors=errors)


def _database_trouble(error: OperationalError) -> Problem:
    reason = str(error.orig)
    if "locked" in reason or "busy" in reason:
        return problem(BUSY, "The database is busy.", suggestion="Try again in a moment.")
    if "full" in reason:
        return problem(DISK_FULL, "The disk is full.", suggestion="Make room in the data folder, then try again.")
    logger.error("The database refused a request.", exc_info=error)
    return problem(500, "The database cannot be used; the server's log says why.")


def _text(text: str) -> str:
    return text.encode("utf-8", "replace").decode()


_DESCRIPTIONS: Mapping[type[Exception], Callable[[Any], Problem]] = {
    RunNotFound: lambda error: problem(404, str(error), suggestion="It may have been deleted."),
    ExperimentNotFound: lambda error: problem(404, str(error), suggestion="Its runs may have been deleted for good."),
    ArtifactNotFound: lambda error: problem(404, str(error)),
    PredictionsMissing: lambda error: problem(404, error.reason, suggestion=error.suggestion),
    WeightsMissing: lambda error: problem(404, str(error)),
    WeightsReplaced: lambda error: problem(409, str(error), suggestion="Try again."),
    ImageGone: lambda error: problem(404, str(error)),
    GalleryFull: lambda error: problem(409, str(error)),
    ImageRefused: lambda error: _problems({"image": str(error)}),
    UnknownArchitecture: lambda error: problem(404, str(error)),
    UnknownDataset: lambda error: problem(404, str(error)),
    TaskNotFound: lambda error: problem(404, str(error)),
    EntryNotFound: lambda error: problem(404, str(error), suggestion="Reload the page: it may have been moved."),
    NameTaken: lambda error: problem(409, str(error)),
    TooManyTasks: lambda error: problem(429, str(error), suggestion="Wait until some are done, or cancel them."),
    DatasetInUse: lambda error: problem(409, str(error)),
    ClientDisconnect: lambda error: problem(400, "The connection ended before all had been sent."),  # nobody hears it
    NoRoom: lambda error: problem(DISK_FULL, str(error), suggestion="Make room in the data folder, then try again."),
    DatasetMissing: lambda error: problem(404, str(error), suggestion=IMAGES_COME),
    ImageNotFound: lambda error: problem(404, str(error)),
    DatasetBroken: lambda error: problem(409, str(error), suggestion="Delete it on its page. " + IMAGES_COME),
    NothingCompared: lambda error: problem(404, str(error), suggestion="They may have been deleted."),
    GroupNotFound: lambda error: problem(404, str(error), suggestion="Its runs may have been deleted."),
    StillOpen: lambda error: problem(409, str(error), suggestion="Wait until they have ended, or cancel them."),
    IllegalMove: lambda error: problem(409, str(error), suggestion=LOOK_AT_IT),
    InvalidCursor: lambda error: problem(400, str(error)),
    KeyReused: lambda error: problem(422, str(error)),
    InvalidRunConfig: lambda error: _problems(error.problems),
    ArchitectureError: lambda error: _problems({"architecture": str(error)}),
    RequestValidationError: _refused_values,
    HTTPException: lambda error: problem(error.status_code, str(error.detail)),
    OverflowError: lambda error: problem(404, "There is nothing with a number that large."),  # beyond a rowid
    OperationalError: _database_trouble,
    NoConnection: lambda error: problem(BUSY, "Too many requests at once.", suggestion="Try again in a moment."),
}
