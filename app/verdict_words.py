"""Verdicts as a person would say them, for the page and the API alike."""

from app.formatting import dataset_title, ordinal, signed
from core.comparison import LEAST_SEEDS, Group
from core.spreads import Interval
from core.statistics.power import MOST_SEEDS
from core.statistics.several import ERROR, share_of_look
from core.verdicts import Verdict


def p_words(p: float) -> str:
    """In two digits, or in as many as tell on which side of 5 % it lies."""
    if p < 0.0001:
        return "p < 0.0001"
    told = (f"{p:.{digits}g}" for digits in range(2, 17))
    return f"p = {next(text for text in told if (float(text) <= ERROR) == (p <= ERROR))}"


def points(fraction: float, digits: int = 2) -> str:
    """0.0031 is "0.31"; what rounds to nothing has no sign."""
    text = f"{100 * fraction:.{digits}f}"
    return text.replace("-", "−") if float(text) else text.removeprefix("-")


def interval_words(interval: Interval) -> str:
    """With further digits where an end would else read as zero and is not: on which side of it is what it says."""
    enough = (digits for digits in range(2, 7) if all(end == 0 or round(100 * end, digits) for end in interval))
    digits = next(enough, 2)
    return f"[{points(interval.low, digits)}, {points(interval.high, digits)}]"


def seeds_words(verdict: Verdict) -> str:
    own, theirs = len(verdict.side.accuracies), len(verdict.baseline.accuracies)
    return f"{own} {'seed' if own == 1 else 'seeds'} each" if own == theirs else f"{own} and {theirs} seeds"


def named(group: Group) -> str:
    """Its label within a sentence, which a comma in it would tear apart."""
    return f"“{group.label}”" if "," in group.label else group.label


def headline(verdict: Verdict) -> str:
    """What is so, in one sentence without its figures."""
    own, theirs = named(verdict.side.group), named(verdict.baseline.group)
    match verdict.outcome:
        case "better" | "worse":
            assert verdict.judged
            size = points(abs(verdict.judged.difference.both.value))
            return f"{own} {'beats' if verdict.outcome == 'better' else 'loses to'} {theirs} by {size} pp"
        case "undecided":
            return f"Cannot tell {own} from {theirs} yet:"
        case "waiting":
            return f"{own} and {theirs} are not judged yet"
        case "too few seeds":
            return f"Too few seeds to judge {own} and {theirs}:"
        case "other images":
            return f"{own} and {theirs} cannot be judged"


def figures(verdict: Verdict) -> list[str]:
    """Behind the headline: difference and interval, p, seeds. Where there is a loser they are turned to be positive."""
    if verdict.judged is None:
        return [seeds_words(verdict)] if verdict.outcome == "too few seeds" else []
    told, interval = verdict.judged.difference.both, verdict.judged.interval
    if verdict.outcome == "worse":
        interval = Interval(-interval.high, -interval.low)
    lead = f"{signed(100 * told.value, 2)} pp " if verdict.outcome == "undecided" else ""
    return [f"{lead}{interval_words(interval)}", p_words(verdict.judged.share.p), seeds_words(verdict)]


def what_next(verdict: Verdict) -> str:
    """What would decide, or why nothing does; empty where there is a winner."""
    match verdict.outcome:
        case "undecided":
            return _what_would_decide(verdict)
        case "waiting":
            number = verdict.side.num_open + verdict.baseline.num_open
            runs = "1 run has" if number == 1 else f"{number} runs have"
            return f"{runs} not ended. To judge before that would be one look more, so the verdict waits."
        case "too few seeds":
            more = "1 more seed" if verdict.more == 1 else f"{verdict.more} more seeds"
            return f"A verdict needs {LEAST_SEEDS} seeds on each side; {more} each would give a first one."
        case "other images":
            own, theirs = (dataset_title(side.group.run.dataset) for side in (verdict.side, verdict.baseline))
            return f"They were tested on other images: {own} and {theirs}." if own != theirs else NO_IMAGES
    return ""


NO_IMAGES = "A verdict needs two test images at least, and to know how many there are."


def _what_would_decide(verdict: Verdict) -> str:
    assert verdict.judged
    if verdict.more is not None:
        return f"About {verdict.more} more {'seed' if verdict.more == 1 else 'seeds'} each would decide."
    told = verdict.judged
    if not told.difference.both.variance:
        return "Both read each test image right equally often, so there is no difference that more seeds could settle."
    least, seen = told.least_decidable, abs(told.difference.both.value)
    if seen < least and told.is_bounded:
        return f"Until all predictions are there no number of seeds could tell less than about {points(least)} pp."
    if seen < least:
        return (
            f"More seeds alone would hardly decide: with these {told.difference.num_images:,} test images no number of "
            f"seeds could tell a difference below about {points(least)} pp."
        )
    return f"If the difference is as small as it looks, more than {MOST_SEEDS} more seeds each would be needed."


def what_follows(verdict: Verdict) -> str:
    """Beside the button."""
    runs = "They are the next unused seeds, the same for both."
    if verdict.judged is None:
        return runs
    look = verdict.look + 1
    part = 100 * ERROR * share_of_look(look)
    looked = f"the {ordinal(look)} look at this question"
    often = (
        f" About {verdict.more} decide four times in five, if the difference is as it looks." if verdict.more else ""
    )
    return (
        f"{runs}{often} The verdict with them is {looked}, which may spend {part:.3g} of the 5\u00a0%: with fewer than "
        "would decide, that is likely spent for nothing."
    )


def two_networks(verdict: Verdict) -> str:
    """One run against one: of these two networks, and of nothing else."""
    if verdict.networks is None:
        return ""
    told, own, theirs = verdict.networks, named(verdict.side.group), named(verdict.baseline.group)
    return (
        f"Of these two trained networks, {own} reads {told.only_one:,} test images right that {theirs} does not, and "
        f"{theirs} {told.only_other:,} that {own} does not: {signed(100 * told.difference.value, 2)} pp, "
        f"{p_words(told.p)} (McNemar's mid-p). That is said of two trained networks and not of how they were trained: "
        "two seeds of one recipe “differ” like this in about 13 of 100 cases."
    )


def notes(verdict: Verdict) -> list[str]:
    """What a reader has to know beside the verdict."""
    told = []
    for side in (verdict.side, verdict.baseline):
        if side.num_lost:
            seeds = "1 seed" if side.num_lost == 1 else f"{side.num_lost} seeds"
            were = "was" if side.num_lost == 1 else "were"
            told.append(f"{seeds} of {named(side.group)} failed or {were} cancelled.")
        if side.num_left_out and verdict.judged:
            seeds, has = ("seed", "has") if side.num_left_out == 1 else ("seeds", "have")
            told.append(
                f"{side.num_left_out} further {seeds} of {named(side.group)} {has} a result, or one to come, and "
                f"{'is' if has == 'has' else 'are'} not compared here: a verdict holds only where seeds are not chosen "
                "by their results."
            )
    if verdict.judged and verdict.judged.is_bounded:
        first, *others = [missing.reason for missing in (*verdict.side.missing, *verdict.baseline.missing)]
        more = f" So it is with {len(others)} more." if others else ""
        told.append(
            f"{first}{more} Until it has them the noise of the test images is an upper bound from the accuracies, "
            "and a winner is named later than it could be."
        )
    return told
