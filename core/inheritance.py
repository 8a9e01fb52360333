"""What a run takes over from its source at launch, so that nothing that happens to the source later can break it.

A continued run is its source as it was after its last epoch, with more epochs to go: same checkpoint, same past. So the
worker resumes it like any other. A run that starts from weights has their file as an artifact of its own.
"""

from pathlib import Path

from sqlmodel import Session, select

from core.disk import CHECKPOINTS
from core.durable import link_or_copy, sync_folder
from core.epoch_answers import copy_answers
from core.experiments import runs_of_experiment
from core.invalid_run_config import InvalidRunConfig
from core.metrics import epochs_of_run
from core.run_config import parse_run_config
from core.run_files import folder_of_run
from core.run_tables import Artifact, Epoch, Fingerprint
from core.runs import artifacts_of_run
from core.sources import source_file
from core.tables import Experiment, Run

SOURCE_FILE = "source.safetensors"
INHERITED = 0  # attempt of an epoch that another run trained
# What the new run has from the first, beside epochs and files; the next epoch's record reckons with it.
PAST = (
    "epochs_done", "environment", "selected_epoch", "checkpoint_bytes", "most_runs_beside", "export_beside",
    "train_loss", "train_accuracy", "val_loss", "val_accuracy", "test_loss", "test_accuracy",
    "seconds_per_epoch", "train_seconds_per_epoch", "evaluation_seconds_per_epoch", "checkpoint_seconds_per_epoch",
    "images_per_second", "peak_memory_bytes", "run_memory_bytes", "cores_busy_beside",
    "stack_size",
)  # fmt: skip


def take_over(session: Session, runs_dir: Path, run: Run) -> None:
    """Gives a run that was just enqueued the files and the past of its source. In the transaction of the launch, in
    which no file that the database names can go; the files are links and cost no time. Raises InvalidRunConfig."""
    source = parse_run_config(run.config).source
    if source is None:
        return
    file = source_file(session, source)
    origin = session.get_one(Run, file.run_id)
    if source.mode == "weights":
        _take_file(session, runs_dir, run, file, kind="source", name=SOURCE_FILE)
        return
    assert origin.id is not None
    assert run.id is not None
    for epoch in epochs_of_run(session, origin.id):
        session.add(Epoch(**epoch.model_dump(exclude={"run_id", "attempt"}), run_id=run.id, attempt=INHERITED))
    for known in session.exec(select(Fingerprint).where(Fingerprint.run_id == origin.id)):
        session.add(Fingerprint(run_id=run.id, epoch=known.epoch, tensors=known.tensors))
    copy_answers(session, origin.id, run.id)
    for name in PAST:
        if name != "environment" or run.reproduces_id is None:  # which is to be its own, and be compared
            setattr(run, name, getattr(origin, name))
    for artifact in artifacts_of_run(session, origin.id):
        if artifact.kind in CHECKPOINTS:
            taken = _take_file(session, runs_dir, run, artifact, kind=artifact.kind, name=artifact.file_name)
            run.checkpoint_id = taken.id if artifact.kind == "checkpoint" else run.checkpoint_id


def take_over_all(session: Session, runs_dir: Path, experiment: Experiment) -> None:
    """The same for each run of an experiment that was just launched."""
    if "source" in experiment.base and experiment.id is not None:
        for run in runs_of_experiment(session, experiment.id):
            take_over(session, runs_dir, run)


def _take_file(session: Session, runs_dir: Path, run: Run, original: Artifact, *, kind: str, name: str) -> Artifact:
    assert run.id is not None
    folder = folder_of_run(runs_dir, run.id)
    (folder / name).unlink(missing_ok=True)  # of a launch that was rolled back
    try:
        link_or_copy(folder_of_run(runs_dir, original.run_id) / original.file_name, folder / name)
        sync_folder(folder)
    except FileNotFoundError:
        reason = f"is not there: the file {original.file_name} of run {original.run_id} is gone from the disk"
        raise InvalidRunConfig({"source": reason}) from None
    values = original.model_dump(exclude={"id", "run_id", "kind", "file_name", "attempt", "facts"})
    taken = Artifact(**values, run_id=run.id, kind=kind, file_name=name, attempt=INHERITED)
    session.add(taken)
    session.flush()
    return taken
