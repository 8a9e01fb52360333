"""The server: two doors into core, and what runs beside them while it is up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app.api import events
from app.live import LiveFeed, called_at_stop_signal
from app.reaper import Reaper
from app.templating import STATIC_FOLDER
from core.database import open_database
from core.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application over the data folder of `settings`; its database is open until it shuts down."""
    app = FastAPI(
        title="Trainyard",
        version="0.1.0",
        lifespan=_lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # Swagger UI and ReDoc come from a CDN
        redoc_url=None,
    )
    app.state.settings = settings
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    for page in (events.router,):
        app.include_router(page, include_in_schema=False)
    for door in (events.router,):
        app.include_router(door, prefix="/api/v1")
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    database = open_database(app.state.settings.database_file)
    live, reaper = LiveFeed(database), Reaper(database)
    app.state.database, app.state.live, app.state.turn_to_write = database, live, asyncio.Lock()
    live.start()
    reaper.start()
    with called_at_stop_signal(live.stop):
        yield
    live.stop()
    live.join()
    reaper.stop()
    database.close()
