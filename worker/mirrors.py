"""Fetching a file over http, https or file://: with time-outs, progress and a check, from one mirror or the next."""

import os
from collections.abc import Callable
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from queue import Empty, SimpleQueue
from threading import Thread
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

ANSWER_SECONDS = 3.0  # for a mirror to begin its answer, name lookup included; a lost SYN costs 1 s; guess, untuned
STALL_SECONDS = 6.0  # without a byte in the middle; guess, untuned
MAX_FILE_BYTES = 64 * 1024**2  # the largest file, Fashion-MNIST's train images, has 26 MB
CHUNK_BYTES = 64 * 1024

Percent = Callable[[int], None]


class MirrorFailed(Exception):
    """Which mirror did not serve, and why."""


class Mirrors:
    """Addresses of folders, tried in order; a host that could not be reached is not asked again for the next file."""

    def __init__(self, addresses: list[str]) -> None:
        self.addresses = addresses
        self.silent_hosts: dict[str, str] = {}

    def fetch(self, file_name: str, target: Path, is_right: Callable[[Path], bool], progress: Percent) -> None:
        """`target` appears only once it is whole and right. Raises MirrorFailed (all of them), OSError (our disk)."""
        partial = target.with_name(f".{target.name}.partial")
        failures: list[str] = []
        for address in self.addresses:
            url = address + file_name
            try:
                self._download(url, partial, progress)
                if is_right(partial):
                    partial.replace(target)
                    return
                failures.append(f"{url} is damaged or incomplete: MD5 differs")
            except MirrorFailed as failure:
                failures.append(str(failure))
            finally:
                partial.unlink(missing_ok=True)
        raise MirrorFailed("; ".join(dict.fromkeys(failures)))

    def _download(self, url: str, partial: Path, progress: Percent) -> None:
        with self._opened(url) as response, partial.open("wb") as file:
            num_bytes = int(response.headers.get("Content-Length") or 0)
            while chunk := _next_chunk(url, response):
                file.write(chunk)
                if file.tell() > MAX_FILE_BYTES:
                    raise MirrorFailed(f"{url} sends more than {MAX_FILE_BYTES:,} bytes")
                progress(100 * file.tell() // max(num_bytes, file.tell()))
            file.flush()
            os.fsync(file.fileno())

    def _opened(self, url: str) -> HTTPResponse:
        host = urlsplit(url).netloc
        if host in self.silent_hosts:
            raise MirrorFailed(self.silent_hosts[host])
        try:
            return _answer(url)
        except HTTPError as error:
            raise MirrorFailed(f"{url}: {error.code} {error.reason}") from error
        except (OSError, HTTPException, ValueError) as error:
            failure = f"could not reach {host or url}: {_said(error)}"
            if host:
                self.silent_hosts[host] = failure
            raise MirrorFailed(failure) from error


def _answer(url: str) -> HTTPResponse:
    """urlopen, waited for in all: its own time-out covers neither the name lookup nor a host's second address."""
    answers: SimpleQueue[HTTPResponse | Exception] = SimpleQueue()

    def ask() -> None:
        request = Request(url, headers={"User-Agent": "trainyard"})  # some mirrors refuse Python-urllib
        try:
            answers.put(urlopen(request, timeout=STALL_SECONDS))
        except Exception as error:  # raised again below, in the thread that waits
            answers.put(error)

    Thread(target=ask, daemon=True).start()
    try:
        answer = answers.get(timeout=ANSWER_SECONDS)
    except Empty:
        raise TimeoutError(f"no answer within {ANSWER_SECONDS:g} s") from None
    if isinstance(answer, Exception):
        raise answer
    return answer


def _next_chunk(url: str, response: HTTPResponse) -> bytes:
    try:
        return response.read1(CHUNK_BYTES)
    except (OSError, HTTPException) as error:
        raise MirrorFailed(f"{url} stopped in the middle: {_said(error)}") from error


def _said(error: BaseException) -> str:
    """urllib wraps the reason, and the reason wraps its words."""
    reason = getattr(error, "reason", error)
    return str(getattr(reason, "strerror", None) or reason)
