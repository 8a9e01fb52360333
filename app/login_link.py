"""Where the server is, written down for other processes, and the link that signs a browser in there, once."""

import json
import socket
import sys
from contextlib import suppress
from typing import Any
from urllib.parse import urlsplit

from app.sign_in import CODE_SECONDS, new_code
from core.settings import Settings

HINT = f"works once, within {CODE_SECONDS // 60} minutes"


class NoServer(Exception):
    """No server runs over this data folder; the text tells the user."""


def note_address(settings: Settings, address: str) -> None:
    """The last server to start is the one that a link leads to."""
    unfinished = settings.server_file.with_suffix(".new")
    unfinished.write_text(json.dumps({"address": address, "asks_for_token": settings.token is not None}))
    unfinished.replace(settings.server_file)


def new_link(settings: Settings, address: str) -> str:
    return f"{address}/login?code={new_code(settings.login_codes_dir)}"


def login_link(settings: Settings) -> int:
    """Prints a link to the server that runs over the same data folder, whatever port it took. Raises NoServer."""
    noted: dict[str, Any] = {}  # address: str, asks_for_token: bool
    with suppress(FileNotFoundError, ValueError):  # it is not synced: a power cut may leave it empty
        noted = json.loads(settings.server_file.read_text())
    if not noted or not _answers(noted["address"]):
        raise NoServer(f"no server runs over {settings.data_dir}; `trainyard up` starts one, --data-dir names another")
    if noted["asks_for_token"]:
        print(new_link(settings, noted["address"]))
        print(f"(It {HINT}.)", file=sys.stderr)
    else:
        print(f"No login link is needed: {noted['address']} asks for no token.")
    return 0


def _answers(address: str) -> bool:
    url = urlsplit(address)
    try:
        socket.create_connection((url.hostname, url.port), timeout=5).close()
    except OSError:
        return False
    return True
