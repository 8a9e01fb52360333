"""The web server as a process: its port, taken before all else, and its address, told when pages can be opened."""

import gc
import signal
import socket

import uvicorn

from app.login_link import HINT, new_link, note_address
from app.token_file import with_token
from core.database import open_database
from core.settings import Settings

GRACE_SECONDS = 2  # what an open page's event stream gets to end before it is cut; guess, untuned


class CannotListen(Exception):
    """The port cannot be had; the text tells the user why, and what to do."""


def serve(settings: Settings) -> int:
    """The web server, until SIGINT or SIGTERM; tells its address once it answers."""
    settings = with_token(settings)
    check_database(settings)
    door = listen(settings)
    from app.main import create_app  # after the checks: a fault is told at once

    config = uvicorn.Config(
        create_app(settings),
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE_SECONDS,
    )
    for stop in (signal.SIGINT, signal.SIGTERM):  # uvicorn stops, then raises the signal again: it has served
        signal.signal(stop, lambda *_: None)
    # A full collection goes through all that was imported, 50 ms, and would come with every page of some thousand rows.
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 10, 10)
    server = Server(config, settings)
    server.run(sockets=[door])
    return 0 if server.started else 1


def check_database(settings: Settings) -> None:
    """Makes or migrates the file before anything else starts; raises DatabaseRefused."""
    open_database(settings.database_file).close()


def listen(settings: Settings) -> socket.socket:
    """Take the port before anything else starts; raises CannotListen."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        door = socket.socket(family, kind, protocol)
        try:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # a port left a moment ago is free
            door.bind(address)
            door.listen()
        except OSError:
            door.close()
            raise
    except OSError as problem:
        raise CannotListen(
            f"port {settings.port} of {settings.host} cannot be had ({problem.strerror}); "
            f"choose another: --port {settings.port + 1}, or TRAINYARD_PORT"
        ) from problem
    return door


class Server(uvicorn.Server):
    """uvicorn's server, which tells its address when pages can be opened, not before."""

    def __init__(self, config: uvicorn.Config, settings: Settings) -> None:
        super().__init__(config)
        self._settings = settings

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
            self._tell(f"http://{reachable}:{port}")

    def _tell(self, address: str) -> None:
        note_address(self._settings, address)
        print(f"Trainyard is at {address} (Ctrl-C stops it)", flush=True)
        if self._settings.token is not None:
            print(f"Sign in ({HINT}): {new_link(self._settings, address)}", flush=True)
