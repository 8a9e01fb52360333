"""The figures: the report's four curves, as plain JSON that follows the page's colours."""

import json
import math
from datetime import UTC, datetime

import pytest

from app.charts import Panel, epoch_panels, gaps, step_panel
from app.palette import look_of
from core.run_tables import Epoch

LOOK = look_of("lenet5-1998")


def epoch(number: int, *, train_loss: float | None = 0.5, val: float | None = None) -> Epoch:
    return Epoch(
        run_id=1, epoch=number, attempt=1, train_loss=train_loss, train_accuracy=0.9, val_loss=val, val_accuracy=val,
        test_loss=0.25, test_accuracy=0.9 + number / 1000, non_finite=["train_loss"] if train_loss is None else [],
        learning_rate=0.01, seconds=1.0, train_seconds=0.8, evaluation_seconds=0.15, checkpoint_seconds=0.05,
        images_per_second=1000.0, peak_memory_bytes=1, recorded_at=datetime.now(UTC),
    )  # fmt: skip


def panels(epochs: list[Epoch], *, has_validation: bool = False, num_epochs: int = 10) -> dict[str, Panel]:
    made = epoch_panels(
        epochs,
        num_epochs=num_epochs,
        selected_epoch=epochs[-1].epoch if epochs else None,
        has_validation=has_validation,
        look=LOOK,
    )
    return {panel.key: panel for panel in made}


def test_a_run_has_the_four_curves_of_the_report() -> None:
    four = panels([epoch(1), epoch(2)])
    assert list(four) == ["train_loss", "train_accuracy", "test_loss", "test_accuracy"]
    assert [panel.title for panel in four.values()] == ["Train loss", "Train accuracy", "Test loss", "Test accuracy"]
    line = four["test_accuracy"].figure["data"][0]
    assert (line["x"], line["y"]) == ([1, 2], [0.901, 0.902])
    assert (line["line"]["color"], line["line"]["dash"]) == ("var(--arch-2)", "dash")


def test_a_line_names_the_metric_that_an_epoch_event_brings() -> None:
    for key, panel in panels([epoch(1, val=0.5)], has_validation=True).items():
        metrics = [trace["meta"] for trace in panel.figure["data"]]
        expected = [key, key.replace("test", "val"), "selected"] if key.startswith("test") else [key, "selected"]
        assert metrics == expected


def test_validation_joins_the_test_panels_alone_and_brings_a_legend() -> None:
    with_validation = panels([epoch(1, val=0.5)], has_validation=True)
    assert with_validation["test_loss"].figure["data"][1]["y"] == [0.5]
    assert [panel.figure["layout"]["showlegend"] for panel in with_validation.values()] == [False, False, True, True]
    assert not any(panel.figure["layout"]["showlegend"] for panel in panels([epoch(1)]).values())


def test_a_loss_that_was_not_finite_is_a_gap_and_is_told() -> None:
    epochs = [epoch(1), epoch(2, train_loss=None), epoch(3)]
    assert panels(epochs)["train_loss"].figure["data"][0]["y"] == [0.5, None, 0.5]
    assert gaps(epochs) == {"train_loss": [2]}
    assert gaps([epoch(1)]) == {}


def test_the_selected_epoch_has_a_ring_and_before_the_first_epoch_nothing_has() -> None:
    ring = panels([epoch(1), epoch(2)])["test_accuracy"].figure["data"][-1]
    assert (ring["x"], ring["y"]) == ([2], [0.902])
    assert panels([])["test_accuracy"].figure["data"][-1]["x"] == []


def test_the_x_axis_has_room_for_all_epochs_from_the_start() -> None:
    assert panels([], num_epochs=10)["train_loss"].figure["layout"]["xaxis"]["range"] == [0.5, 10.5]
    assert panels([], num_epochs=10)["train_loss"].figure["layout"]["xaxis"]["dtick"] == 1
    assert "dtick" not in panels([], num_epochs=50)["train_loss"].figure["layout"]["xaxis"]


@pytest.mark.parametrize("num_epochs", [0, 1, 300])
def test_a_figure_is_strict_json_of_plain_lists(num_epochs: int) -> None:
    epochs = [epoch(number, train_loss=None if number == 1 else 0.5) for number in range(1, num_epochs + 1)]
    for panel in panels(epochs, num_epochs=max(1, num_epochs)).values():
        text = json.dumps(panel.figure, allow_nan=False)
        assert "bdata" not in text
        assert len(json.loads(text)["data"][0]["y"]) == num_epochs


def test_those_who_do_not_see_a_chart_are_told_where_it_starts_and_ends() -> None:
    assert panels([])["test_accuracy"].description == "No epoch is recorded yet."
    assert panels([epoch(1)])["test_accuracy"].description == "90.1% at epoch 1."
    told = panels([epoch(1), epoch(5)])["test_accuracy"].description
    assert told.startswith("From 90.1% at epoch 1 to 90.5% at epoch 5.")


def test_the_step_chart_spans_the_epoch_under_way() -> None:
    figure = step_panel([(2, 1.5), (4, 1.25)], 23, LOOK).figure
    assert (figure["data"][0]["x"], figure["data"][0]["y"]) == ([2, 4], [1.5, 1.25])
    assert figure["layout"]["xaxis"]["range"] == [0, 23]
    assert math.isfinite(step_panel([], 0, LOOK).figure["layout"]["xaxis"]["range"][1])
