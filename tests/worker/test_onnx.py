"""The ONNX model, made without torch, answers as torch does: every kind of layer, random networks, presets."""

import subprocess
import sys
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from torch import nn

from core.architectures.catalogue import FAMILIES, resolve
from core.architectures.layers import (
    GELU,
    AvgPool2d,
    BatchNorm2d,
    Conv2d,
    Dropout,
    Flatten,
    Layers,
    Linear,
    MaxPool2d,
    ReLU,
    Residual,
    Sigmoid,
    Softmax,
    Tanh,
)
from core.architectures.outcomes import Shape
from core.onnx_graph import onnx_model
from tests.worker.test_models import networks
from worker.models import build

torch.set_num_threads(1)

MEAN, STD = 0.1307, 0.3081
EVERY_KIND: Layers = (
    Conv2d(out_channels=4, kernel_size=3, padding=1, bias=False), BatchNorm2d(), ReLU(),
    Residual(layers=(Conv2d(out_channels=4, kernel_size=5, padding=2), BatchNorm2d(), GELU(), Dropout(p=0.5))),
    MaxPool2d(kernel_size=3, stride=2), Tanh(), Conv2d(out_channels=3, kernel_size=2, stride=2), Sigmoid(),
    AvgPool2d(kernel_size=2), Flatten(), Residual(layers=(Linear(out_features=27), ReLU())), Dropout(p=0.2),
    Linear(out_features=5, bias=False), Softmax(),
)  # fmt: skip


def trained_looking(layers: Layers, shape: Shape, seed: int = 0) -> nn.Sequential:
    """A model whose batch norms have seen batches, in evaluation mode."""
    torch.manual_seed(seed)
    model = build(layers, shape)
    for tensor in model.state_dict().values():
        if tensor.dtype == torch.float32 and tensor.ndim == 1:
            tensor.copy_(torch.rand_like(tensor) + 0.5)
    return model.eval()


@torch.inference_mode()
def answers(model: nn.Sequential, layers: Layers, shape: Any, num_images: int) -> tuple[NDArray[Any], NDArray[Any]]:
    """Logits and probabilities side by side, of torch and of ONNX Runtime."""
    images = torch.rand(num_images, *shape)
    scores = model[:-1] if isinstance(layers[-1], Softmax) else model
    logits = scores((images - MEAN) / STD)
    weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
    made = onnx_model(layers, weights, shape, mean=MEAN, std=STD)
    onnx.checker.check_model(made, full_check=True)
    session = onnxruntime.InferenceSession(made.SerializeToString(), providers=["CPUExecutionProvider"])
    onnx_answers = session.run(["logits", "probabilities"], {"images": images.numpy()})
    return np.hstack([logits.numpy(), logits.softmax(1).numpy()]), np.hstack(onnx_answers)


def assert_alike(torch_answers: NDArray[Any], onnx_answers: NDArray[Any]) -> None:
    np.testing.assert_allclose(onnx_answers, torch_answers, rtol=1e-5, atol=1e-5)


def test_every_kind_of_layer_answers_as_in_torch() -> None:
    shape = (2, 28, 28)
    assert_alike(*answers(trained_looking(EVERY_KIND, shape), EVERY_KIND, shape, 7))


@pytest.mark.parametrize("name", FAMILIES)
def test_every_preset_answers_as_in_torch_at_any_batch_size(name: str) -> None:
    shape = (1, 28, 28)
    layers = resolve(name, {}, shape, 10)
    for num_images in (1, 33):
        assert_alike(*answers(trained_looking(layers, shape), layers, shape, num_images))


@given(network=networks(), seed=st.integers(0, 2**32))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_any_network_that_core_allows_answers_as_in_torch(network: tuple[Layers, Shape], seed: int) -> None:
    layers, shape = network
    assert_alike(*answers(trained_looking(layers, shape, seed), layers, shape, 3))


def test_equal_weights_make_equal_bytes() -> None:
    shape = (1, 28, 28)
    layers = resolve("lenet5", {}, shape, 10)
    weights = {name: tensor.numpy() for name, tensor in trained_looking(layers, shape).state_dict().items()}
    made = [onnx_model(layers, weights, shape, mean=MEAN, std=STD).SerializeToString() for _ in range(2)]
    assert made[0] == made[1]


def test_no_torch_is_needed() -> None:
    code = "import sys, core.onnx_graph; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
