"""What became of a change to many runs, as a person would say it."""

from collections import Counter

from core.bulk import Action, BulkResult
from core.run_state import IllegalMove, RunNotFound, RunState
from core.tags import MAX_TAGS

DONE: dict[Action, str] = {
    "cancel": "cancelled", "requeue": "added to the queue again", "hold": "held", "release": "released",
    "delete": "deleted", "restore": "restored", "tag": "tagged “{tag}”", "untag": "no longer tagged “{tag}”",
}  # fmt: skip
ASKED: dict[Action, str] = {"cancel": "asked to stop", "hold": "asked to pause"}  # a running run obeys at a report
PLURAL = {"is": "are", "has": "have"}


def words_of(action: Action, result: BulkResult, tag: str) -> str:
    """ "2 cancelled, 1 asked to stop, 1 could not: it is completed." """
    asked = [run for run in result.done if action in ASKED and run.state is RunState.RUNNING]
    parts = [(len(result.done) - len(asked), DONE[action].format(tag=tag)), (len(asked), ASKED.get(action, ""))]
    told = [f"{number} {words}" for number, words in parts if number]
    if result.refused:
        told.append(f"{len(result.refused)} could not: {_reasons(result)}")
    return f"{', '.join(told)}."


def _reasons(result: BulkResult) -> str:
    counted = Counter(_reason(refusal.error) for refusal in result.refused)
    if len(counted) == 1:
        ((verb, rest),) = counted
        return f"it {verb} {rest}" if len(result.refused) == 1 else f"they {PLURAL[verb]} {rest}"
    return ", ".join(
        f"{number} {verb if number == 1 else PLURAL[verb]} {rest}" for (verb, rest), number in counted.items()
    )


def _reason(error: Exception) -> tuple[str, str]:
    match error:
        case IllegalMove():
            return "is", error.state.value
        case RunNotFound():
            return "is", "gone"
        case _:
            return "has", f"{MAX_TAGS} tags already"
