"""Writes what a trainer reports into the database, each report fenced by its lease."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from sqlmodel import Session

from core import metrics, queue
from core.lease import Lease
from core.records import EpochFigures, WrittenFile
from core.run_state import LeaseLost
from worker.messages import Message


def record_all(session: Session, reports: Sequence[tuple[Lease, Message]]) -> tuple[list[str], list[Lease]]:
    """Reports of a slot in one transaction: superseded files as `<run>/<name>`, and the leases that are lost.

    A lost lease is noticed before anything is written of its run, so the others' reports stand.
    """
    superseded: list[str] = []
    lost: list[Lease] = []
    for lease, report in reports:
        try:
            superseded += [f"{lease.run_id}/{name}" for name in record(session, lease, report)]
        except LeaseLost:
            lost.append(lease)
    return superseded, lost


def record(session: Session, lease: Lease, report: Message) -> list[str]:
    """One report of the trainer; returns names of superseded files. Raises LeaseLost, having written nothing."""
    match report["report"]:
        case "environment":
            if unlike := metrics.record_environment(session, lease, report["environment"]):
                words = "goes on under other conditions than it began with, so its numbers may be rounded otherwise"
                queue.add_log_line(session, lease, f"{words}: {'; '.join(unlike)}")
        case "stack":
            metrics.record_stack(session, lease, report["size"])
        case "progress":
            metrics.record_progress(session, lease, **_progress(report))
        case "epoch":
            files = [WrittenFile(**file) for file in report["files"]]
            figures = EpochFigures(**report["figures"])
            return metrics.record_epoch(
                session, lease, figures, files, selected=report["selected"], fingerprints=report["fingerprints"]
            )
        case "weights":
            metrics.record_weights(session, lease, WrittenFile(**report["file"]))
        case "log":
            queue.add_log_line(session, lease, report["line"])
        case "latency":
            metrics.record_latency(session, lease, **report["figures"])
        case "completed":
            queue.complete(session, lease)
        case "interrupted":
            queue.hand_back(session, lease)
        case "failed":
            queue.fail(session, lease, report["reason"], report["suggestion"], report["dataset"])
    return []


def is_final(report: Message) -> bool:
    """Whether the trainer is done with the run."""
    return report["report"] in ("completed", "interrupted", "failed")


def remove_orphans(folder: Path, kept: set[str]) -> None:
    """Files of an attempt that died between writing and recording; nobody will ask for them."""
    for file in folder.glob("*"):
        if file.name not in kept:
            file.unlink(missing_ok=True)


def _progress(report: Message) -> dict[str, Any]:  # keyword arguments of record_progress
    return {name: value for name, value in report.items() if name not in ("report", "run_id", "attempt")}
