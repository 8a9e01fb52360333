"""What the write-up reads beside the comparison: the images as they lie here, weights by their hash, and on what each
run was trained."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import JsonValue
from sqlmodel import Session, col, select

from core.dataset_store import DatasetBroken, DatasetMissing, Manifest, materialised
from core.datasets import Dataset, UnknownDataset
from core.known_datasets import known_dataset
from core.run_tables import Artifact
from core.settings import Settings
from core.tables import Run


@dataclass(frozen=True)
class Images:
    """`manifest` is None where the images no longer lie here, `known` where only an older version knew them."""

    name: str
    known: Dataset | None
    manifest: Manifest | None

    @property
    def title(self) -> str:
        return self.known.title if self.known else self.name


@dataclass(frozen=True)
class Environment:
    """What runs were trained on; `number` from 1 names it in the list of runs."""

    number: int
    facts: Mapping[str, JsonValue]
    num_runs: int


@dataclass(frozen=True)
class Records:
    images: list[Images]
    weights: dict[int, str]  # SHA-256 of weights.safetensors, by run
    environments: list[Environment]
    environment_of: dict[int, int]


def read_records(session: Session, settings: Settings, runs: Sequence[Run]) -> Records:
    names = dict.fromkeys(run.dataset for run in runs)
    weights = select(Artifact.run_id, Artifact.sha256).where(
        Artifact.kind == "weights", col(Artifact.run_id).in_([run.id for run in runs])
    )
    known: list[dict[str, JsonValue]] = []
    of_run = {}
    for run in runs:
        facts = dict(run.environment or {})
        if facts and run.id is not None:
            if facts not in known:
                known.append(facts)
            of_run[run.id] = 1 + known.index(facts)
    numbers = list(of_run.values())
    environments = [Environment(at, facts, numbers.count(at)) for at, facts in enumerate(known, start=1)]
    images = [_images(session, settings, name) for name in names]
    return Records(images, dict(session.exec(weights).all()), environments, of_run)


def _images(session: Session, settings: Settings, name: str) -> Images:
    try:
        known = known_dataset(session, name)
    except UnknownDataset:
        known = None
    try:
        return Images(name, known, materialised(settings.materialised_dir, name).manifest)
    except (DatasetMissing, DatasetBroken):
        return Images(name, known, None)
