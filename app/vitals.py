"""What a worker last measured of itself, as the page reads it: a worker that has not measured yet is all None."""

from pydantic import BaseModel, ConfigDict

from core.tables import Worker


class SlotVitals(BaseModel):
    """`state` is starting, ready or training; `run` the run's id while it trains, of `runs` in a stack the first."""

    model_config = ConfigDict(frozen=True)
    slot: int
    state: str
    run: int | None = None
    runs: int = 0


class Vitals(BaseModel):
    """Memory is of the whole machine but for `worker_memory_bytes`: the worker with its trainers."""

    model_config = ConfigDict(frozen=True)
    device: str | None = None
    device_name: str | None = None
    cpu_percent: float | None = None
    memory_used_bytes: int | None = None
    memory_total_bytes: int | None = None
    worker_memory_bytes: int | None = None
    gpu_percent: float | None = None
    gpu_memory_used_bytes: int | None = None
    gpu_memory_total_bytes: int | None = None
    free_space_low: bool | None = None
    torch_version: str | None = None
    slots: tuple[SlotVitals, ...] = ()


def vitals_of(worker: Worker) -> Vitals:
    return Vitals.model_validate(worker.vitals or {})
