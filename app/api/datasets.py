"""The catalogue of datasets, with what was measured of those whose images lie here."""

from fastapi import APIRouter
from pydantic import Field

from app.api.schemas import Shape
from app.dependencies import CurrentSettings, Reading
from core.dataset_store import DatasetBroken, DatasetMissing, Manifest, materialised
from core.datasets import Dataset
from core.known_datasets import datasets_here

router = APIRouter(prefix="/datasets", tags=["catalogue"])


class DatasetOut(Shape):
    name: str = Field(examples=["digits"])
    title: str
    summary: str
    classes: tuple[str, ...]
    image_shape: tuple[int, int, int] = Field(description="(channels, height, width)", examples=[[1, 28, 28]])
    num_train: int | None = Field(examples=[1437])
    num_test: int | None = Field(examples=[360])
    mean: float | None = Field(description="of pixels in [0, 1]; null until measured")
    std: float | None
    source: str
    licence: str
    needs_network: bool = Field(description="whether its first use fetches it")
    is_imported: bool = Field(description="whether it was imported here, rather than listed with every installation")
    is_ready: bool = Field(description="whether its images lie here already")


@router.get("")
def list_datasets(session: Reading, settings: CurrentSettings) -> list[DatasetOut]:
    """Every dataset a run can train on; figures that are null are known after its first use."""
    listed = []
    for dataset in datasets_here(session).values():
        try:
            manifest = materialised(settings.materialised_dir, dataset.name).manifest
        except (DatasetMissing, DatasetBroken):
            manifest = None
        listed.append(dataset_out(dataset, manifest))
    return listed


def dataset_out(dataset: Dataset, manifest: Manifest | None) -> DatasetOut:
    """With the manifest's figures once the images lie here."""
    measured = manifest.model_dump(include={"classes", "num_train", "num_test", "mean", "std"}) if manifest else {}
    return DatasetOut.model_validate(vars(dataset) | measured | {"is_ready": manifest is not None})
