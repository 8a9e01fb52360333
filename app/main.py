"""The server: two doors into core, and what runs beside them while it is up."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from starlette.staticfiles import StaticFiles

from app.templating import STATIC_FOLDER
from core.database import open_database
from core.settings import Settings


def create_app(settings: Settings) -> FastAPI:
    """The application over the data folder of `settings`; its database is open until it shuts down."""

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        app.state.settings = settings
        app.state.database = open_database(settings.database_file)
        yield
        app.state.database.close()

    app = FastAPI(title="Trainyard", version="0.1.0", lifespan=lifespan)
    app.mount("/static", StaticFiles(directory=STATIC_FOLDER), name="static")
    return app
