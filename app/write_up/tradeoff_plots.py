"""What accuracy costs on paper: the figures of app/tradeoff_charts.py, with their points, front and numbers."""

from collections.abc import Mapping, Sequence

from app.charts import ACCURACY
from app.compare_looks import GroupLook
from app.formatting import percent
from app.tradeoff_charts import PRICE_WORDS, accuracy_span, described, is_log, shown_cost
from app.write_up.curves import LEFT, RIGHT, WIDTH, y_ticks
from app.write_up.plots import Plot, Spot, spot, upright
from app.write_up.ticks import Axis, axis, decimals
from core.comparison import Group
from core.pareto import Front, Price, Priced
from core.spreads import Interval


def tradeoff_plots(
    fronts: Sequence[Front], groups: Sequence[Group], intervals: Mapping[str, Interval], looks: Mapping[str, GroupLook]
) -> list[Plot]:
    """`intervals`: of a group's test accuracy, by config hash, where it has one."""
    return [_plot(front, groups, intervals, looks) for front in fronts]


def _plot(
    front: Front, groups: Sequence[Group], intervals: Mapping[str, Interval], looks: Mapping[str, GroupLook]
) -> Plot:
    told = PRICE_WORDS[front.price]
    costs = [shown_cost(front, point.cost) for point in front.points]
    x, y = axis(costs, LEFT, WIDTH - RIGHT, is_log=is_log(front)), upright(*accuracy_span(front, intervals))
    spots = {
        point: _spot(point, front, groups[point.place], intervals, looks, x, y) for point in front.points
    }  # fmt: skip
    numbers = [(spots[point].x - 7, spots[point].y - 6, str(at)) for at, point in enumerate(front.best, start=1)]
    title = f"{told.unit}, log scale" if is_log(front) else told.unit
    return Plot(
        f"price-{front.price}", told.title, described(front, groups), title, _ticks(x, front.price),
        y_ticks(y, ACCURACY), _steps([spots[point] for point in front.best], x.place(costs[-1])), (),
        list(spots.values()), numbers,
    )  # fmt: skip


def _spot(
    point: Priced, front: Front, group: Group, intervals: Mapping[str, Interval], looks: Mapping[str, GroupLook],
    x: Axis, y: Axis,
) -> Spot:  # fmt: skip
    interval, look = intervals.get(group.config_hash), looks[group.config_hash]
    span = f" [{percent(interval.low)}, {percent(interval.high)}]" if interval else ""
    cost = PRICE_WORDS[front.price].words(point.cost)
    said = f"{group.label}: {percent(point.accuracy)}{span}, {cost}{', on the front' if point.is_on_front else ''}"
    place = x.place(shown_cost(front, point.cost))
    return spot(place, y, point.accuracy, interval, (look.colour, look.outline), said)


def _steps(best: Sequence[Spot], end: float) -> str:
    """What the best accuracy is for at most so much."""
    return f"M{best[0].x} {best[0].y}{''.join(f'H{one.x}V{one.y}' for one in best[1:])}H{end}"


def _ticks(x: Axis, price: Price) -> list[tuple[float, str]]:
    ticks = x.ticks()
    if price in ("num_parameters", "num_multiply_adds"):
        return [(x.place(tick), _thousands(tick)) for tick in ticks]
    return [(x.place(tick), f"{tick:,.{decimals(ticks)}f}") for tick in ticks]


def _thousands(number: float) -> str:
    """50,000 is "50k"."""
    if number >= 1e6:
        return f"{number / 1e6:g}M"
    return f"{number / 1e3:g}k" if number >= 1e3 else f"{number:g}"
