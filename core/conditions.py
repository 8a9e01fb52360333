"""Under which conditions runs are trained: whether anything else of ours ran at the same time, as the database says.

Every claim and every begin of an export is one transaction, so what is written down here is exact, whichever worker
it was, and no clock is asked.
"""

from sqlalchemy import func, or_, update
from sqlmodel import Session, col, select

from core.run_state import RunState
from core.tables import Run, Worker


def note_runs_beside(session: Session) -> None:
    """After each claim: every run under way learns how many others are, and whether a run is exported meanwhile.

    A run whose first epochs an older version trained, which noted nothing, stays unmeasured.
    """
    running = col(Run.state) == RunState.RUNNING
    others = session.exec(select(func.count()).where(running)).one() - 1
    noted = or_(col(Run.most_runs_beside).is_not(None), col(Run.epochs_done) == 0)
    exporting = is_exporting(session)
    session.exec(
        update(Run)
        .where(running, noted)
        .values(
            most_runs_beside=func.max(func.coalesce(Run.most_runs_beside, 0), others),
            export_beside=func.coalesce(Run.export_beside, False) | exporting,
        )
        .execution_options(synchronize_session=False)
    )


def is_exporting(session: Session) -> bool:
    """Whether any living worker has its exporting process up."""
    busy = select(Worker.id).where(col(Worker.ended_at).is_(None), col(Worker.is_exporting))
    return session.exec(busy.limit(1)).first() is not None
