"""The console command: `trainyard up`, `serve`, `work` and the rest, each with one flag for each field of Settings."""

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from pydantic import ValidationError

from app.login_link import NoServer, login_link
from app.processes import run_together
from app.serving import CannotListen, check_database, listen, serve
from app.token_file import TokenUnusable, with_token
from core.database import DatabaseRefused
from core.settings import ENV_PREFIX, Settings


class WrongSettings(Exception):
    """Settings that cannot be used; the text names each with its reason."""


REFUSALS = (
    WrongSettings,
    CannotListen,
    DatabaseRefused,
    TokenUnusable,
    NoServer,
)  # one line for the user, no traceback


@dataclass(frozen=True)
class Command:
    """`run` gets the settings, and by name what `arguments` lists: the command's own, each with its help."""

    run: Callable[..., int]
    help: str
    arguments: Mapping[str, str] = field(default_factory=dict)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command until it ends or is stopped; the exit code is 0 only when it ended or was stopped cleanly."""
    given = vars(parser().parse_args(arguments))
    command = COMMANDS[given.pop("command")]
    own = {name: given.pop(name) for name in command.arguments}
    try:
        return command.run(read_settings(given), **own)
    except REFUSALS as problem:
        print(f"trainyard: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:  # before the command took over Ctrl-C
        return 130


def parser() -> argparse.ArgumentParser:
    """The command line, made from Settings and COMMANDS; a flag may stand before the command or behind it."""
    flags = argparse.ArgumentParser(add_help=False, argument_default=argparse.SUPPRESS)
    for name, setting in Settings.model_fields.items():
        default = "" if setting.default in (None, ()) else f", default {setting.default}"
        text = f"{setting.description} ({ENV_PREFIX}{name.upper()}{default})"
        flags.add_argument("--" + name.replace("_", "-"), help=text, metavar="VALUE")
    about = "Launches and shows training runs."
    made = argparse.ArgumentParser(prog="trainyard", description=about, parents=[flags])
    commands = made.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name, command in COMMANDS.items():
        added = commands.add_parser(name, help=command.help, description=f"{command.help}.", parents=[flags])
        for argument, text in command.arguments.items():
            added.add_argument(argument, metavar=argument.upper(), help=text)
    return made


def read_settings(flags: dict[str, str]) -> Settings:
    """Flags before environment before defaults; raises WrongSettings with every fault, each with its name."""
    unknown = {key for key in os.environ if key.startswith(ENV_PREFIX)}
    unknown -= {ENV_PREFIX + name.upper() for name in Settings.model_fields}
    if unknown:
        raise WrongSettings(f"no such setting: {', '.join(sorted(unknown))}; `trainyard --help` lists them")
    try:
        return Settings.model_validate(flags)
    except ValidationError as invalid:
        faults = [f"--{str(e['loc'][0]).replace('_', '-')}: {e['msg']}" for e in invalid.errors()]
        raise WrongSettings("; ".join(faults).replace("Value error, ", "")) from invalid


def up(settings: Settings) -> int:
    """Server and worker, each a process of its own; Ctrl-C stops both."""
    with_token(settings)  # a fault here or there is told once, before anything runs; the server reads the token itself
    check_database(settings)
    listen(settings).close()
    python = [sys.executable, "-P", "-m"]
    return run_together(
        {"server": [*python, "app.cli", "serve"], "worker": [*python, "worker"]}, settings.as_environment()
    )


def backup(settings: Settings, file: str) -> int:
    from app.keeping import back_up_to  # after the checks, and not for `up`: the database's modules take half a second

    return back_up_to(settings, file)


def restore(settings: Settings, file: str) -> int:
    from app.keeping import restore_from

    return restore_from(settings, file)


def work(settings: Settings) -> int:
    """Become the worker: it is another program, and this one never imports it."""
    os.execve(sys.executable, [sys.executable, "-P", "-m", "worker"], os.environ | settings.as_environment())


COMMANDS: Mapping[str, Command] = MappingProxyType(
    {
        "up": Command(up, "The server and the worker together"),
        "serve": Command(serve, "The server alone"),
        "work": Command(work, "The worker alone"),
        "login-link": Command(login_link, "A link that signs a browser in at the running server, once"),
        "backup": Command(backup, "One file of all runs, while they are trained", {"file": "a tar, not there yet"}),
        "restore": Command(restore, "The data folder from a backup", {"file": "what `trainyard backup` wrote"}),
    }
)


if __name__ == "__main__":
    sys.exit(main())
