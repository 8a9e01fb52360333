"""The optimizer of a run config, and its state as named tensors for a checkpoint."""

from inspect import unwrap

import torch
from torch import nn
from torch.optim import Optimizer

from core.run_config import RunConfig

PREFIX = "optimizer."


class _Eager(Optimizer):
    """torch's optimizer out of its wrappers, which hide it from the compiler and import that for it: 145 MiB."""

    add_param_group = unwrap(Optimizer.add_param_group)
    zero_grad = unwrap(Optimizer.zero_grad)
    state_dict = unwrap(Optimizer.state_dict)
    load_state_dict = unwrap(Optimizer.load_state_dict)


class SGD(_Eager, torch.optim.SGD):
    step = torch.no_grad()(unwrap(torch.optim.SGD.step))


class Adam(_Eager, torch.optim.Adam):
    step = torch.no_grad()(unwrap(torch.optim.Adam.step))


class AdamW(_Eager, torch.optim.AdamW):
    step = torch.no_grad()(unwrap(torch.optim.AdamW.step))


def build_optimizer(config: RunConfig, model: nn.Module) -> Optimizer:
    """SGD with momentum, Adam or AdamW over all parameters of `model`; `fused`: one call of C++ for all of them."""
    parameters = list(model.parameters())
    if config.optimizer == "sgd":
        return SGD(
            parameters,
            lr=config.learning_rate,
            momentum=config.momentum or 0.0,
            nesterov=bool(config.nesterov),
            weight_decay=config.weight_decay,
            fused=True,
        )
    kind = Adam if config.optimizer == "adam" else AdamW
    return kind(parameters, lr=config.learning_rate, weight_decay=config.weight_decay, fused=True)


def state_tensors(optimizer: Optimizer) -> dict[str, torch.Tensor]:
    """`optimizer.<parameter number>.<name>` to tensor."""
    return {
        f"{PREFIX}{number}.{name}": value
        for number, state in optimizer.state_dict()["state"].items()
        for name, value in state.items()
        if isinstance(value, torch.Tensor)
    }


def restore_state(optimizer: Optimizer, tensors: dict[str, torch.Tensor]) -> None:
    """The inverse of state_tensors; other names in `tensors` are passed over."""
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, value in tensors.items():
        if key.startswith(PREFIX):
            number, name = key.removeprefix(PREFIX).split(".", 1)
            state.setdefault(int(number), {})[name] = value
    optimizer.load_state_dict({"state": state, "param_groups": optimizer.state_dict()["param_groups"]})
