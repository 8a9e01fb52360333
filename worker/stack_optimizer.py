"""SGD, Adam and AdamW over a stack: torch's formulae with each member's own hyperparameters."""

from collections.abc import Sequence

import torch
from torch import Tensor

from core.run_config import RunConfig
from worker.optimizers import PREFIX
from worker.stack_model import StackedModel

BETAS, EPSILON = (0.9, 0.999), 1e-8  # torch's defaults, as those of a lone run


class StackedOptimizer:
    """Updates the values of a StackedModel, all parameters in one go. `moments`: (K, P), by their names in torch."""

    def __init__(self, configs: Sequence[RunConfig], model: StackedModel) -> None:
        self.configs, self.model, self.kind = list(configs), model, configs[0].optimizer
        self._nesterov = bool(configs[0].nesterov)
        self.steps = torch.zeros((), device=model.values.device)
        names = ("momentum_buffer",) if self.kind == "sgd" else ("exp_avg", "exp_avg_sq")
        self.moments = {name: torch.zeros_like(model.values) for name in names}
        self._prepare()

    def _prepare(self) -> None:
        device = self.model.values.device
        self._decay = torch.tensor([[config.weight_decay] for config in self.configs], device=device)
        self._momentum = torch.tensor([[config.momentum or 0.0] for config in self.configs], device=device)

    def keep(self, rows: list[int]) -> None:
        """Leaves out the other rows, as the model did."""
        self.configs = [self.configs[row] for row in rows]
        self.moments = {name: moment[rows] for name, moment in self.moments.items()}
        self._prepare()

    @torch.no_grad()
    def step(self, gradients: Sequence[Tensor], rates: Tensor) -> None:
        """Gradients (K, *shape) in the order of the model's parameters; learning rates (K, 1)."""
        gradient = torch.cat([each.flatten(1) for each in gradients], dim=1)  # (K, P)
        self.steps.add_(1)
        if self.kind == "sgd":
            self._sgd(gradient, rates)
        else:
            self._adam(gradient, rates)

    def _sgd(self, gradient: Tensor, rates: Tensor) -> None:
        gradient.addcmul_(self.model.values, self._decay)
        buffer = self.moments["momentum_buffer"].mul_(self._momentum).add_(gradient)
        update = gradient.addcmul_(buffer, self._momentum) if self._nesterov else buffer
        self.model.values.addcmul_(update, rates, value=-1)

    def _adam(self, gradient: Tensor, rates: Tensor) -> None:
        values, mean, square = self.model.values, self.moments["exp_avg"], self.moments["exp_avg_sq"]
        if self.kind == "adamw":
            values.mul_(1 - rates * self._decay)
        else:
            gradient.addcmul_(values, self._decay)
        mean.lerp_(gradient, 1 - BETAS[0])
        square.mul_(BETAS[1]).addcmul_(gradient, gradient, value=1 - BETAS[1])
        corrections = [1 - beta ** self.steps.double() for beta in BETAS]
        root = square.sqrt().div_(corrections[1].sqrt()).add_(EPSILON)
        values.addcdiv_(mean * (rates / corrections[0]), root, value=-1)

    def state(self, row: int) -> dict[str, Tensor]:
        """Names and values as of `optimizers.state_tensors` for a lone run."""
        if not self.steps or (self.kind == "sgd" and not self.configs[row].momentum):
            return {}
        state = {}
        for number, parts in enumerate(zip(*map(self._parts, self.moments.values()), strict=True)):
            if self.kind != "sgd":
                state[f"{PREFIX}{number}.step"] = self.steps.clone()
            for name, part in zip(self.moments, parts, strict=True):
                state[f"{PREFIX}{number}.{name}"] = part[row]
        return state

    def _parts(self, moment: Tensor) -> list[Tensor]:
        """(K, *shape) of each parameter."""
        shapes = self.model.shapes.values()
        parts = torch.split(moment, [shape.numel() for shape in shapes], dim=1)
        return [torch.unflatten(part, 1, shape) for part, shape in zip(parts, shapes, strict=True)]

    def load(self, row: int, tensors: dict[str, Tensor]) -> None:
        """The inverse of state; tensors without any of an optimizer are passed over."""
        if any(name.startswith(PREFIX) for name in tensors):
            self.steps.copy_(tensors.get(f"{PREFIX}0.step", torch.ones(())))  # SGD does not count, it only has begun
        for name, value in self.state(row).items():
            value.copy_(tensors[name])
