"""Recording epochs exactly once, their checkpoint, the run's summary, and progress within an epoch."""

import base64
import math
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from core.conditions import unlike_conditions
from core.events import record_event
from core.lease import Lease, check_owned, owned_by, owned_run
from core.records import EpochFigures, WrittenFile
from core.run_state import LeaseLost
from core.run_tables import Artifact, Epoch, EpochAnswers, Fingerprint, Progress
from core.tables import Run

LOSSES = ("train_loss", "val_loss", "test_loss")
PHASE_SECONDS = ("train_seconds", "evaluation_seconds", "checkpoint_seconds")
SUMMARY_FIGURES = ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy")
# Of one epoch's step-level losses, so many are kept in the progress row; beyond it every second one is dropped.
MAX_STEP_LOSSES = 240


def record_epoch(
    session: Session, lease: Lease, figures: EpochFigures, files: list[WrittenFile], *, selected: bool,
    fingerprints: dict[str, str] | None = None,
) -> list[str]:  # fmt: skip
    """Records one epoch with its checkpoint, what its weights were, and an event; fenced by the lease.

    `selected` makes this epoch's figures the run's summary. Returns the names of superseded files, to be unlinked
    after the commit. Raises LeaseLost where the run is another's or the epoch is not the next one.
    """
    advanced = session.exec(
        update(Run)
        .where(*owned_by(lease), col(Run.epochs_done) == figures.epoch - 1)
        .values(epochs_done=figures.epoch, crashes=0)
    )
    if advanced.rowcount == 0:
        raise LeaseLost(lease.run_id, lease.attempt)
    epoch = _epoch_row(lease, figures)
    session.add(epoch)
    if fingerprints is not None:
        session.add(Fingerprint(run_id=lease.run_id, epoch=figures.epoch, tensors=fingerprints))
    if figures.test_answers is not None:
        content = base64.b64decode(figures.test_answers)
        session.add(EpochAnswers(run_id=lease.run_id, epoch=figures.epoch, content=content))
    superseded = _record_files(session, lease, files)
    session.flush()
    _summarise(session, session.get_one(Run, lease.run_id, populate_existing=True), epoch, selected)
    record_event(session, "epoch", lease.run_id, **_delta(epoch))
    return superseded


def record_environment(session: Session, lease: Lease, environment: dict[str, str | int]) -> list[str]:
    """Keeps torch build, CPU kind and threads of the first attempt; of a later one, tells what is unlike them."""
    run = owned_run(session, lease)
    if run.environment is None:
        run.environment = environment
    return unlike_conditions(run.environment, environment)


def record_stack(session: Session, lease: Lease, size: int) -> None:
    """Keeps with how many it was trained together at most, itself among them; raises LeaseLost."""
    run = owned_run(session, lease)
    run.stack_size = max(size, run.stack_size or 0)
    record_event(session, "changed", lease.run_id, stack_size=run.stack_size)


def record_weights(session: Session, lease: Lease, weights: WrittenFile) -> None:
    """Keeps the selected epoch's weights as the run's result; raises LeaseLost."""
    owned_run(session, lease)
    _record_files(session, lease, [weights])


def record_latency(
    session: Session, lease: Lease, *, single_image_seconds: float, batch_seconds: float, batch_images: int
) -> None:
    """Keeps how fast the selected epoch's network answers; raises LeaseLost."""
    run = owned_run(session, lease)
    run.single_image_seconds, run.batch_seconds, run.batch_images = single_image_seconds, batch_seconds, batch_images


def record_progress(
    session: Session, lease: Lease, *, phase: str, message: str = "", epoch: int = 0, step: int = 0,
    steps_per_epoch: int = 0, images_per_second: float | None = None, loss: float | None = None,
) -> None:  # fmt: skip
    """Overwrites the run's one progress row; raises LeaseLost. The next epoch starts with no step losses."""
    check_owned(session, lease)
    old = session.get(Progress, lease.run_id)
    losses = list(old.losses) if old is not None and (old.attempt, old.epoch) == (lease.attempt, epoch) else []
    if loss is not None and math.isfinite(loss):
        losses.append([step, round(loss, 5)])
    if len(losses) > MAX_STEP_LOSSES:
        losses = losses[::2]  # of an odd number: the newest stays
    session.merge(
        Progress(
            run_id=lease.run_id, attempt=lease.attempt, sequence=0 if old is None else old.sequence + 1, phase=phase,
            message=message, epoch=epoch, step=step, steps_per_epoch=steps_per_epoch,
            images_per_second=images_per_second, losses=losses,
        )
    )  # fmt: skip


def epochs_of_run(session: Session, run_id: int) -> list[Epoch]:
    return list(session.exec(select(Epoch).where(Epoch.run_id == run_id).order_by(col(Epoch.epoch))))


def test_accuracies(session: Session, run_ids: Sequence[int], *, most: int) -> dict[int, list[tuple[int, float]]]:
    """(epoch, test accuracy) of each run, oldest first: of a run longer than `most` epochs every n-th and the last."""
    every = func.max(1, (Run.epochs_done + most - 1) / most)
    shown = or_(col(Epoch.epoch) % every == 0, col(Epoch.epoch) == Run.epochs_done)
    rows = session.exec(
        select(Epoch.run_id, Epoch.epoch, Epoch.test_accuracy)
        .join(Run, col(Run.id) == Epoch.run_id)
        .where(col(Epoch.run_id).in_(run_ids), shown)
    )
    accuracies: dict[int, list[tuple[int, float]]] = {run_id: [] for run_id in run_ids}
    for run_id, epoch, accuracy in rows:
        accuracies[run_id].append((epoch, accuracy))
    return {run_id: sorted(own) for run_id, own in accuracies.items()}


def _epoch_row(lease: Lease, figures: EpochFigures) -> Epoch:
    values = asdict(figures)
    del values["test_answers"]
    non_finite = [name for name in LOSSES if values[name] is not None and not math.isfinite(values[name])]
    values |= dict.fromkeys(non_finite)
    seconds = figures.train_seconds + figures.evaluation_seconds + figures.checkpoint_seconds
    return Epoch(
        run_id=lease.run_id, attempt=lease.attempt, non_finite=non_finite, seconds=seconds,
        recorded_at=datetime.now(UTC), **values,
    )  # fmt: skip


def _record_files(session: Session, lease: Lease, files: list[WrittenFile]) -> list[str]:
    superseded: list[str] = []
    for file in files:
        for old in session.exec(select(Artifact).where(Artifact.run_id == lease.run_id, Artifact.kind == file.kind)):
            superseded.append(old.file_name)
            session.delete(old)
        artifact = Artifact(run_id=lease.run_id, attempt=lease.attempt, created_at=datetime.now(UTC), **asdict(file))
        session.add(artifact)
        session.flush()
        if file.kind == "checkpoint":
            kept_as = {"checkpoint_id": artifact.id, "checkpoint_bytes": file.num_bytes}
            session.exec(update(Run).where(col(Run.id) == lease.run_id).values(**kept_as))
    kept = {artifact.file_name for artifact in session.exec(select(Artifact).where(Artifact.run_id == lease.run_id))}
    return [name for name in superseded if name not in kept]


def _summarise(session: Session, run: Run, epoch: Epoch, selected: bool) -> None:
    means = [func.avg(getattr(Epoch, name)) for name in ("seconds", *PHASE_SECONDS)]
    peaks = [func.max(Epoch.peak_memory_bytes), func.max(Epoch.run_memory_bytes)]
    sums = [
        func.sum(col(Epoch.images_per_second) * col(Epoch.train_seconds)), func.sum(Epoch.train_seconds),
        func.sum(col(Epoch.cores_busy_beside) * col(Epoch.seconds)), func.sum(Epoch.seconds),
    ]  # fmt: skip
    figures = session.exec(select(*means, *peaks, *sums).where(Epoch.run_id == run.id)).one()
    run.seconds_per_epoch, *phases, run.peak_memory_bytes, run.run_memory_bytes = figures[:6]
    for name, seconds in zip(PHASE_SECONDS, phases, strict=True):
        setattr(run, f"{name}_per_epoch", seconds)
    images, train_seconds, core_seconds, seconds = figures[6:]
    run.images_per_second = images / train_seconds if train_seconds else None
    run.cores_busy_beside = core_seconds / seconds if seconds and core_seconds is not None else None
    if selected:
        run.selected_epoch = epoch.epoch
        for name in SUMMARY_FIGURES:
            setattr(run, name, getattr(epoch, name))


def _delta(epoch: Epoch) -> dict[str, int | float | None]:
    """The event's payload: what a page needs to move its lines, six digits a figure, under 300 bytes."""
    figures = {name: getattr(epoch, name) for name in (*SUMMARY_FIGURES, "seconds", "images_per_second")}
    return {"epoch": epoch.epoch} | {
        name: None if value is None else float(f"{value:.6g}") for name, value in figures.items()
    }
