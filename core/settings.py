"""Where this installation keeps its files and how it listens: from the environment, prefix TRAINYARD_."""

from ipaddress import ip_address
from pathlib import Path
from typing import Annotated, Literal

from pydantic import Field, SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

ENV_PREFIX = "TRAINYARD_"
MAX_STACK = 64  # guess, untuned: beyond it a GPU has long been busy, and a crash would be that of too many
MIN_TOKEN_LENGTH = 8  # with app/sign_in.py's 30 guesses a minute, 8 random letters last for ages


class Settings(BaseSettings):
    """Each field is an environment variable, a flag, a line of `trainyard --help` and a row of the README."""

    model_config = SettingsConfigDict(
        env_prefix=ENV_PREFIX, env_ignore_empty=True, frozen=True, extra="forbid", validate_default=True,
        hide_input_in_errors=True,
    )  # fmt: skip

    host: str = Field(
        "127.0.0.1",
        min_length=1,
        description="Address to listen on; any but this machine's own asks for a token.",
    )
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes any free one.")
    data_dir: Path = Field(Path("data"), description="Folder of the database, the datasets and the runs' files.")
    token: SecretStr | None = Field(
        None,
        description="Secret that every request must show; made where others can reach the server and none is set.",
    )
    allowed_hosts: Annotated[tuple[str, ...], NoDecode] = Field(
        (), description="Further names the server may be reached by, with commas between them."
    )
    slots: int | None = Field(
        None,
        ge=1,
        description="Runs trained at once; without it one per GPU, or per CPU core where there is none.",
    )
    threads: int = Field(1, ge=1, description="CPU threads of each slot.")
    deterministic: bool = Field(
        False, description="On a GPU, only algorithms that give the same bits each time, each run alone; slower."
    )
    min_free_mib: int = Field(
        512,
        ge=0,
        description="MiB that must be free on the data folder's disk for a run to start; 0 starts it in any case.",
    )
    stack: Literal["auto"] | Annotated[int, Field(ge=1, le=MAX_STACK)] = Field(
        "auto",
        description="Runs trained together as one model, at most; `auto`: on a GPU what its memory holds, else 1.",
    )
    dataset_mirror: str | None = Field(
        None,
        pattern=r"^(https?|file)://",
        description="Fetch datasets from here: http(s):// or file://, laid out as the datasets folder is.",
    )

    max_upload_mib: int = Field(1024, ge=1, description="MiB that an uploaded dataset may have, packed.")
    import_dir: Path | None = Field(
        None,
        description="Folder of files to import datasets from; else `import` in the data folder.",
    )

    @field_validator("allowed_hosts", mode="before")
    @classmethod
    def _split_at_commas(cls, hosts: object) -> object:
        return tuple(host.strip() for host in hosts.split(",") if host.strip()) if isinstance(hosts, str) else hosts

    @field_validator("token")
    @classmethod
    def _refuse_a_poor_token(cls, token: SecretStr | None) -> SecretStr | None:
        text = None if token is None else token.get_secret_value().strip()
        if text is not None and not (len(text) >= MIN_TOKEN_LENGTH and text.isascii() and text.isprintable()):
            raise ValueError(f"a token has {MIN_TOKEN_LENGTH} or more letters, digits and signs, all of them ASCII")
        return None if text is None else SecretStr(text)

    @field_validator("data_dir")
    @classmethod
    def _make_absolute(cls, folder: Path) -> Path:
        return folder.expanduser().absolute()

    @property
    def is_local_only(self) -> bool:
        """Whether only programs on this machine can reach the server."""
        try:
            return ip_address(self.host).is_loopback
        except ValueError:  # a name
            return self.host == "localhost"

    @property
    def database_file(self) -> Path:
        """The SQLite database."""
        return self.data_dir / "trainyard.sqlite3"

    @property
    def token_file(self) -> Path:
        """The token that the server made, where others can reach it and none was set."""
        return self.data_dir / "token"

    @property
    def login_codes_dir(self) -> Path:
        """Codes that sign a browser in once."""
        return self.data_dir / "login-codes"

    @property
    def server_file(self) -> Path:
        """Where the server that started last is reached."""
        return self.data_dir / "server.json"

    @property
    def datasets_dir(self) -> Path:
        """Datasets as published, in torchvision's own layout."""
        return self.data_dir / "datasets"

    @property
    def materialised_dir(self) -> Path:
        """Datasets as arrays, which is all that server and trainer read."""
        return self.data_dir / "materialised"

    @property
    def incoming_dir(self) -> Path:
        """Uploads, while they come in and until they are imported."""
        return self.data_dir / "incoming"

    @property
    def import_folder(self) -> Path:
        """What lies here may be imported by its name; nothing else of this machine can."""
        return self.import_dir.expanduser().absolute() if self.import_dir else self.data_dir / "import"

    @property
    def runs_dir(self) -> Path:
        """Checkpoints and artifacts, one folder for each run."""
        return self.data_dir / "runs"

    def as_environment(self) -> dict[str, str]:
        """The environment variables that make the same settings in another process."""
        texts = {name: _as_text(value) for name, value in self if value not in (None, ())}
        return {ENV_PREFIX + name.upper(): text for name, text in texts.items()}


def _as_text(value: object) -> str:
    if isinstance(value, SecretStr):
        return value.get_secret_value()
    return ",".join(value) if isinstance(value, tuple) else str(value)
