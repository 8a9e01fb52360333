"""A body that is written to the disk as it comes: memory does not grow with it, and what is cut off leaves nothing."""

import os
from pathlib import Path
from typing import BinaryIO

from fastapi import Request
from starlette.concurrency import run_in_threadpool

from core.dataset_files import NoRoom, new_upload
from core.disk import free_space
from core.settings import Settings

CHUNK_BYTES = 2**20  # written at once, by a thread: the disk may be slow, and the server answers others meanwhile


async def received(request: Request, settings: Settings) -> Path:
    """The file, whole and synced; the Guard counts its bytes. Raises NoRoom, and what the reading of the body raises:
    ClientDisconnect, HTTPException(413)."""
    _refuse_too_little_room(settings, int(request.headers.get("content-length") or 0))
    path = await run_in_threadpool(new_upload, settings)
    try:
        with path.open("wb") as file:
            await _write(request, settings, file)
            await run_in_threadpool(os.fsync, file.fileno())
    except BaseException as error:
        path.unlink(missing_ok=True)
        if isinstance(error, OSError) and not isinstance(error, NoRoom):
            raise NoRoom(f"The upload could not be written: {error.strerror or error}.") from error
        raise
    return path


async def _write(request: Request, settings: Settings, file: BinaryIO) -> None:
    waiting = bytearray()
    async for chunk in request.stream():
        waiting += chunk
        if len(waiting) >= CHUNK_BYTES:
            _refuse_too_little_room(settings, 0)
            await run_in_threadpool(file.write, bytes(waiting))
            waiting.clear()
    await run_in_threadpool(file.write, bytes(waiting))
    await run_in_threadpool(file.flush)


def _refuse_too_little_room(settings: Settings, num_bytes: int) -> None:
    space = free_space(settings)
    if space.free_bytes - num_bytes < space.floor_bytes:
        free = f"{space.free_bytes // 2**20:,} MiB"
        raise NoRoom(f"The disk has {free} left, of which {settings.min_free_mib:,} MiB are kept free.")
