"""What a worker measures of itself is what the page reads."""

import pynvml

from worker.vitals import asked, gpus_for_slots, measure_vitals, num_cores, num_gpus


def test_vitals_name_the_device_and_its_memory() -> None:
    vitals = measure_vitals()
    assert vitals["device"] == ("cuda" if num_gpus() else "cpu")
    assert vitals["device_name"]
    assert 0 < vitals["worker_memory_bytes"] <= vitals["memory_used_bytes"] * 2
    assert vitals["memory_used_bytes"] < vitals["memory_total_bytes"]


def test_at_least_one_core_is_ours() -> None:
    assert num_cores() >= 1


def test_what_the_driver_does_not_tell_is_left_out() -> None:
    """In MIG mode there is no utilisation; without this the worker died of it at its first heartbeat."""
    assert asked(pynvml.nvmlDeviceGetHandleByIndex, -1) is None


def test_each_slot_has_a_gpu_of_its_own() -> None:
    """All trained on the first one."""
    assert gpus_for_slots(2, None) == ["0", "1"]
    assert gpus_for_slots(4, "2, 3") == ["2", "3"]
    assert gpus_for_slots(2, "") == []
    assert gpus_for_slots(0, "0") == []
