"""The token that the server makes for itself where others can reach it."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.token_file import TokenUnusable, with_token
from core.settings import Settings


@pytest.fixture
def reachable(tmp_path: Path) -> Settings:
    """Settings of a server that others can reach; its data folder is not there yet."""
    return Settings(host="0.0.0.0", data_dir=tmp_path / "data")


@pytest.fixture
def careless() -> Iterator[None]:
    """Files are made for everybody to read and write, where nothing else is said."""
    before = os.umask(0)
    yield
    os.umask(before)


def token_of(settings: Settings) -> str:
    token = with_token(settings).token
    assert token is not None
    return token.get_secret_value()


@pytest.mark.usefixtures("careless")
def test_the_first_start_makes_a_token_for_its_owner_alone_and_later_ones_read_it(reachable: Settings) -> None:
    made = token_of(reachable)
    assert len(made) == 43
    assert reachable.token_file.stat().st_mode & 0o777 == 0o600
    assert token_of(reachable) == made
    assert list(reachable.data_dir.iterdir()) == [reachable.token_file]


def test_servers_that_start_at_once_agree_on_one_token(reachable: Settings) -> None:
    for _ in range(20):
        reachable.token_file.unlink(missing_ok=True)
        start, seen = threading.Barrier(4), list[str]()

        def begin(start: threading.Barrier, seen: list[str]) -> None:
            start.wait()
            seen.append(token_of(reachable))

        servers = [threading.Thread(target=begin, args=(start, seen)) for _ in range(4)]
        for server in servers:
            server.start()
        for server in servers:
            server.join()
        assert len(seen) == 4
        assert set(seen) == {token_of(reachable)}


def test_a_token_that_is_set_is_the_token(reachable: Settings) -> None:
    settings = Settings(host="0.0.0.0", data_dir=reachable.data_dir, token="of the user's own")  # type: ignore[arg-type]  # as text
    assert token_of(settings) == "of the user's own"
    assert not settings.data_dir.exists()


def test_on_this_machine_alone_no_token_is_made_and_one_left_behind_is_not_asked_for(reachable: Settings) -> None:
    local = Settings(data_dir=reachable.data_dir)
    assert with_token(local).token is None
    assert not local.token_file.exists()
    token_of(reachable)
    assert with_token(local).token is None


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o620])
def test_a_file_that_others_can_read_is_refused(reachable: Settings, mode: int) -> None:
    made = token_of(reachable)
    reachable.token_file.chmod(mode)
    with pytest.raises(TokenUnusable, match=f"mode {mode:o}.*remove it, and the next start makes a new one") as told:
        with_token(reachable)
    assert made not in str(told.value)
    reachable.token_file.unlink()
    assert token_of(reachable) != made


@pytest.mark.parametrize("content", [b"", b"\n", b"half-a-token", b"\xff" * 43, b"a" * 44])
def test_a_file_that_holds_no_whole_token_is_refused(reachable: Settings, content: bytes) -> None:
    token_of(reachable)
    reachable.token_file.write_bytes(content)
    with pytest.raises(TokenUnusable, match="does not hold a token"):
        with_token(reachable)


def test_a_file_that_cannot_be_made_is_told_with_the_way_out(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    with pytest.raises(TokenUnusable, match=r"cannot be made or read .*; set TRAINYARD_TOKEN instead"):
        with_token(Settings(host="0.0.0.0", data_dir=tmp_path / "data"))
