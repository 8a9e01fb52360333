"""What somebody who imports a dataset chooses: its name, the size of its images, how it is split. Pure."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, field_validator

from core.datasets import DATASETS
from core.known_datasets import NAME
from core.run_config import checked_name

MAX_SIDE = 96  # pixels: what the networks here are for, and their memory
LEAST_SIDE = 4
MAX_CLASSES = 256  # labels are bytes
MAX_CLASS_NAME = 64
RESERVED = frozenset({*DATASETS, "tasks", "cards", "import"})  # the latter are parts of addresses

ClassName = Annotated[str, Field(min_length=1, max_length=MAX_CLASS_NAME)]


class ImportWishes(BaseModel):
    """`size`: of the longer side, or of both where the fit makes squares; None: as the images are, where they are alike
    and small enough. `test_fraction` and `seed` count only where the files bring no test split."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    name: str = Field(
        json_schema_extra={"pattern": rf"^{NAME.pattern}$"},  # checked below, in words
        title="Name", description="small letters, digits and hyphens", examples=["shapes"],
    )  # fmt: skip
    size: int | None = Field(
        None, ge=LEAST_SIDE, le=MAX_SIDE, title="Size in pixels",
        description="square images of this size; none: as they are, or where they differ the median, at most 96",
    )  # fmt: skip
    fit: Literal["pad", "stretch"] = Field(
        "pad", title="Fit", description="how an image that is no square becomes one: black bars, or stretched"
    )
    colour: Literal["auto", "grey", "colour"] = Field(
        "auto", title="Colour", description="auto: grey where every image is"
    )
    test_fraction: float = Field(
        0.2, ge=0.01, le=0.9, title="Test fraction", description="of each class, where there is no test split"
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, title="Split seed", description="decides which images those are")
    class_names: tuple[ClassName, ...] = Field(
        (), max_length=MAX_CLASSES, title="Class names",
        description="in the order of the labels, for files that only have numbers",
    )  # fmt: skip
    licence: str = Field("", max_length=200, title="Licence", description="of the images, as you know it")

    @field_validator("name")
    @classmethod
    def _is_free_for_imports(cls, name: str) -> str:
        if not NAME.fullmatch(name):
            raise ValueError("takes 1 to 40 small letters, digits and hyphens, such as cats-and-dogs")
        if name in RESERVED:
            raise ValueError("is the name of a dataset that every installation has; choose another")
        return name

    @field_validator("licence")
    @classmethod
    def _is_one_line(cls, text: str) -> str:
        return checked_name(text)

    @field_validator("class_names")
    @classmethod
    def _are_different_lines(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        named = tuple(checked_name(name) for name in names)
        if len({name.casefold() for name in named}) < len(named):
            raise ValueError("must differ from each other")
        return named
