"""The console command: `trainyard up | serve | work`, with one flag for each field of Settings."""

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence

import uvicorn
from pydantic import ValidationError

from app.processes import run_together
from core.settings import ENV_PREFIX, Settings

COMMANDS = {"up": "the server and the worker together", "serve": "the server", "work": "the worker"}
GRACE_SECONDS = 2  # what an open page's event stream gets to end before it is cut; guess, untuned


class CannotStart(Exception):
    """Nothing was started; the text tells the user why, and what to do."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command until it ends or is stopped; the exit code is 0 only when it was stopped cleanly."""
    given = vars(parser().parse_args(arguments))
    command = given.pop("command")
    try:
        settings = read_settings({name: text for name, text in given.items() if text is not None})
        return {"up": up, "serve": serve, "work": work}[command](settings)
    except CannotStart as problem:
        print(f"trainyard: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the command took over Ctrl-C
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line, made from Settings."""
    made = argparse.ArgumentParser(prog="trainyard", description="Launches and shows training runs.")
    made.add_argument("command", choices=COMMANDS, help="; ".join(f"{c}: {what}" for c, what in COMMANDS.items()))
    for name, field in Settings.model_fields.items():
        default = "" if field.default in (None, ()) else f", default {field.default}"
        text = f"{field.description} ({ENV_PREFIX}{name.upper()}{default})"
        made.add_argument("--" + name.replace("_", "-"), help=text, metavar="VALUE")
    return made


def read_settings(flags: dict[str, str]) -> Settings:
    """Flags before environment before defaults; raises CannotStart with every fault, each with its name."""
    unknown = {key for key in os.environ if key.startswith(ENV_PREFIX)}
    unknown -= {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    if unknown:
        raise CannotStart(f"no such setting: {', '.join(sorted(unknown))}; `trainyard --help` lists them")
    try:
        return Settings.model_validate(flags)
    except ValidationError as invalid:
        faults = [f"--{str(e['loc'][0]).replace('_', '-')}: {e['msg']}" for e in invalid.errors()]
        raise CannotStart("; ".join(faults)) from invalid


def up(settings: Settings) -> int:
    """Server and worker, each a process of its own; Ctrl-C stops both."""
    listen(settings).close()  # a fault here is told once, before anything runs
    python = [sys.executable, "-P", "-m"]
    return run_together(
        {"server": [*python, "app.cli", "serve"], "worker": [*python, "worker"]}, settings.as_environment()
    )


def work(settings: Settings) -> int:
    """Become the worker: it is another program, and this one never imports it."""
    os.execve(sys.executable, [sys.executable, "-P", "-m", "worker"], os.environ | settings.as_environment())


def serve(settings: Settings) -> int:
    """The web server, until SIGINT or SIGTERM; tells its address once it answers."""
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
    server = Server(config)
    server.run(sockets=[door])
    return 0 if server.started else 1


def listen(settings: Settings) -> socket.socket:
    """Take the port before anything else starts; raises CannotStart."""
    if not settings.is_local_only and settings.token is None:
        raise CannotStart(
            f"{settings.host} can be reached by others, so a token is needed: set TRAINYARD_TOKEN to a long secret, "
            "or leave out --host to listen on this machine only"
        )
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
        raise CannotStart(
            f"port {settings.port} of {settings.host} cannot be had ({problem.strerror}); "
            f"choose another: --port {settings.port + 1}, or TRAINYARD_PORT"
        ) from problem
    return door


class Server(uvicorn.Server):
    """uvicorn's server, which prints the address when pages can be opened, not before."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and sockets:
            host, port = sockets[0].getsockname()[:2]
            reachable = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)
            print(f"Trainyard is at http://{reachable}:{port} (Ctrl-C stops it)", flush=True)


if __name__ == "__main__":
    sys.exit(main())
