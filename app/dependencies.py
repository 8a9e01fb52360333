"""What a route may ask for: the settings, a reading or a writing session, the live feed, an id."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from typing import Annotated

from fastapi import Depends, Header, Path, Request
from sqlmodel import Session

from app.live import LiveFeed
from app.prediction import Predictor
from app.sign_in import TokenCheck
from core.database import Database
from core.settings import Settings

LARGEST_ID = 2**63 - 1  # of an SQLite rowid


def _settings(request: Request) -> Settings:
    settings = request.app.state.settings
    assert isinstance(settings, Settings)
    return settings


def _token_check(request: Request) -> TokenCheck | None:
    check = request.app.state.token_check
    assert check is None or isinstance(check, TokenCheck)
    return check


def _database(request: Request) -> Database:
    database = request.app.state.database
    assert isinstance(database, Database)
    return database


def _live(request: Request) -> LiveFeed:
    live = request.app.state.live
    assert isinstance(live, LiveFeed)
    return live


def _predictor(request: Request) -> Predictor:
    predictor = request.app.state.predictor
    assert isinstance(predictor, Predictor)
    return predictor


async def _turn_to_predict(request: Request) -> AsyncIterator[None]:
    """So that drawing never takes every thread, nor every core from training."""
    turn = request.app.state.turn_to_predict
    assert isinstance(turn, asyncio.Semaphore)
    async with turn:
        yield


async def _sent_image(request: Request) -> bytes:
    return await request.body()  # of bounded size: app/security.py


def _reading(database: Annotated[Database, Depends(_database)]) -> Iterator[Session]:
    with database.reading() as session:
        yield session


async def _turn_to_write(request: Request) -> AsyncIterator[None]:
    """Writers wait here, not in a thread: forty waiting threads would leave none to the one that holds the lock."""
    turn = request.app.state.turn_to_write
    assert isinstance(turn, asyncio.Lock)
    async with turn:
        yield


# What opens a writing session by itself, because files go after its commit, waits for its turn as all do.
TurnToWrite = Annotated[None, Depends(_turn_to_write, scope="function")]


def _writing(database: Annotated[Database, Depends(_database)], _: TurnToWrite) -> Iterator[Session]:
    with database.writing() as session:
        yield session


CurrentSettings = Annotated[Settings, Depends(_settings)]
CurrentTokenCheck = Annotated[TokenCheck | None, Depends(_token_check)]  # None: nobody is asked for a token
CurrentDatabase = Annotated[Database, Depends(_database)]
CurrentLive = Annotated[LiveFeed, Depends(_live)]
TurnToPredict = Annotated[None, Depends(_turn_to_predict, scope="function")]
CurrentPredictor = Annotated[Predictor, Depends(_predictor)]
SentImage = Annotated[bytes, Depends(_sent_image)]
# Both end when the route returns, before the answer is sent: a slow download holds no snapshot, and a client never
# reads what may yet roll back.
Reading = Annotated[Session, Depends(_reading, scope="function")]
Writing = Annotated[Session, Depends(_writing, scope="function")]

Id = Annotated[int, Path(ge=1, le=LARGEST_ID, examples=[1])]
RunId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The run's id.", examples=[1])]
ExperimentId = Annotated[int, Path(ge=1, le=LARGEST_ID, description="The experiment's id.", examples=[1])]
IdempotencyKey = Annotated[
    str | None,
    Header(
        min_length=1, max_length=255, pattern=r"^[!-~]+$",
        description="A text of your own: within 24 hours the same key with the same body gives the same again (200).",
    ),
]  # fmt: skip
