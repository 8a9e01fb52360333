"""Where a run's files lie, found by database id alone."""

from pathlib import Path

from sqlmodel import Session

from core.run_tables import Artifact


class ArtifactNotFound(LookupError):
    """The run has no such artifact, or its file is gone."""


def folder_of_run(runs_dir: Path, run_id: int) -> Path:
    return runs_dir / str(run_id)


def artifact_of_run(session: Session, runs_dir: Path, run_id: int, artifact_id: int) -> tuple[Artifact, Path]:
    """The artifact and its file, which is there; raises ArtifactNotFound."""
    artifact = session.get(Artifact, artifact_id)
    if artifact is None or artifact.run_id != run_id:
        raise ArtifactNotFound(f"Run {run_id} has no artifact {artifact_id}; a newer one may have taken its place.")
    file = folder_of_run(runs_dir, run_id) / artifact.file_name
    if not file.is_file():
        raise ArtifactNotFound(f"The file of artifact {artifact_id} ({artifact.file_name}) is no longer there.")
    return artifact, file
