"""Learning-rate schedules as a pure function of the step; the page plots what the trainer uses."""

import math

from core.run_config import RunConfig

# Smith and Topin 2019, "Super-Convergence", with the fractions that PyTorch's OneCycleLR made usual.
ONE_CYCLE_RISE = 0.3
ONE_CYCLE_START = 1 / 25
ONE_CYCLE_END = 1 / (25 * 1e4)


def learning_rate_at(config: RunConfig, step: int, steps_per_epoch: int) -> float:
    """The learning rate of optimizer update `step`, counted from 1 over the whole run."""
    total = config.epochs * steps_per_epoch
    match config.schedule:
        case "constant":
            factor = 1.0
        case "step":
            assert config.step_epochs is not None
            assert config.step_factor is not None
            factor = config.step_factor ** ((step - 1) // (config.step_epochs * steps_per_epoch))
        case "cosine":
            factor = _cosine(step, total, (config.warmup_epochs or 0) * steps_per_epoch)
        case "one-cycle":
            factor = _one_cycle(step, total)
    return config.learning_rate * factor


def _cosine(step: int, total: int, warmup: int) -> float:
    """Linear warm-up, then half a cosine to zero: Loshchilov and Hutter 2017, eq. 5, without restarts."""
    if step <= warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - 1 - warmup) / (total - warmup)))


def _one_cycle(step: int, total: int) -> float:
    top = max(1, round(ONE_CYCLE_RISE * total))
    if step <= top:
        return _annealed(ONE_CYCLE_START, 1.0, step / top)
    return _annealed(1.0, ONE_CYCLE_END, (step - top) / max(1, total - top))


def _annealed(start: float, end: float, fraction: float) -> float:
    return end + (start - end) * 0.5 * (1 + math.cos(math.pi * fraction))
