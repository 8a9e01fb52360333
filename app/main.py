"""The server: two doors into core, and what runs beside them while it is up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI

from app.api import (
    architectures,
    compare,
    compare_files,
    dataset_tasks,
    datasets,
    disagreements,
    drawings,
    events,
    experiments,
    gallery,
    health,
    leaderboard,
    network_differences,
    predict,
    predictions,
    queue,
    run_records,
    runs,
    storage,
    workers,
)
from app.api.documentation import DESCRIPTION, TAGS, Application
from app.bin_keeper import BinKeeper
from app.errors import add_error_handlers, problems
from app.live import LiveFeed, called_at_stop_signal
from app.pages import (
    builder,
    builder_files,
    dataset,
    experiment,
    image_errors,
    images,
    login,
    network_difference,
    networks,
    new_run,
    reproduce,
    run,
    run_actions,
    run_diagnosis,
    run_files,
    run_labels,
    run_reproductions,
    selection,
    try_it,
)
from app.pages import compare as compare_page
from app.pages import compare_files as compare_files_page
from app.pages import datasets as datasets_page
from app.pages import disagreements as disagreements_page
from app.pages import experiments as experiments_page
from app.pages import gallery as gallery_page
from app.pages import leaderboard as leaderboard_page
from app.pages import runs as runs_page
from app.pages import storage as storage_page
from app.prediction import Predictor
from app.reaper import Reaper
from app.security import Guard
from app.sign_in import TokenCheck
from app.static_files import HeldFiles
from app.templating import STATIC_FOLDER
from core.backup import remove_leftovers
from core.database import open_database
from core.dataset_files import remove_stale_files
from core.settings import Settings

# Fixed paths such as /runs/new go before /runs/{run_id}.
PAGES = (
    runs_page,
    selection,
    new_run,
    builder,
    builder_files,
    run,
    run_actions,
    run_diagnosis,
    run_files,
    run_labels,
    run_reproductions,
    experiments_page,
    reproduce,
    experiment,
    leaderboard_page,
    compare_page,
    compare_files_page,
    image_errors,
    disagreements_page,
    images,
    network_difference,
    networks,
    try_it,
    gallery_page,
    datasets_page,
    dataset,
    storage_page,
    login,
    events,
)
DOORS = (
    runs,
    run_records,
    predictions,
    predict,
    gallery,
    experiments,
    compare,
    compare_files,
    disagreements,
    network_differences,
    drawings,
    leaderboard,
    architectures,
    datasets,
    dataset_tasks,
    queue,
    workers,
    storage,
    events,
)

PREDICTIONS_AT_ONCE = 2  # each is some milliseconds of one core


def create_app(settings: Settings) -> FastAPI:
    """The application over the data folder of `settings`; its database is open until it shuts down."""
    app = Application(
        title="Trainyard",
        version="0.1.0",
        description=DESCRIPTION,
        openapi_tags=TAGS,
        lifespan=_lifespan,
        openapi_url="/api/v1/openapi.json",
        docs_url=None,  # Swagger UI and ReDoc come from a CDN
        redoc_url=None,
        generate_unique_id_function=lambda route: route.name,  # operation ids: what clients made from it call
    )
    assert settings.is_local_only or settings.token is not None, "with_token comes before"
    check = None if settings.token is None else TokenCheck(settings.token.get_secret_value())
    app.state.settings, app.state.token_check, app.state.paths = settings, check, {}
    app.add_middleware(Guard, settings=settings, check=check)
    add_error_handlers(app)
    app.mount("/static", HeldFiles(STATIC_FOLDER), name="static")
    for page in PAGES:
        app.include_router(page.router, include_in_schema=False)
    for door in DOORS:
        app.include_router(door.router, prefix="/api/v1", responses=problems(401, 422, 429, 503))
    app.include_router(health.router)
    return app


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    database = open_database(app.state.settings.database_file)
    remove_leftovers(app.state.settings.data_dir)
    with database.reading() as session:
        remove_stale_files(session, app.state.settings)
    live, beside = LiveFeed(database), (Reaper(database), BinKeeper(database, app.state.settings.runs_dir))
    app.state.database, app.state.live, app.state.turn_to_write = database, live, asyncio.Lock()
    app.state.predictor = Predictor(database, app.state.settings.runs_dir)
    app.state.turn_to_predict = asyncio.Semaphore(PREDICTIONS_AT_ONCE)
    live.start()
    for thread in beside:
        thread.start()
    with called_at_stop_signal(live.stop):
        yield
    live.stop()
    live.join()
    for thread in beside:
        thread.stop()
    database.close()
