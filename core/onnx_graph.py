"""A network and its weights as an ONNX model, without torch. The worker verifies each against the torch model.

Opset 20 is the first with Gelu; IR version 9 came with it, and ONNX Runtime reads both since 1.17. Newer ones would
only shut out older readers.
"""

from collections.abc import Iterable, Mapping
from typing import Any, assert_never

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

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
from core.architectures.shapes import TracedLayer, trace
from core.datasets import ImageShape

OPSET = 20
IR_VERSION = 9
BATCH_NORM_EPSILON = 1e-5  # torch.nn.BatchNorm2d's own

Weights = Mapping[str, NDArray[Any]]  # by the names that worker/models.py gives: "0.weight", "4.inner.0.bias"


def onnx_model(
    layers: Layers, weights: Weights, image_shape: ImageShape, *, mean: float, std: float, every_layer: bool = False
) -> ModelProto:
    """The model of a trained classifier, for any batch size.

    Input `images`: float32 (N, C, H, W) in [0, 1]; `mean` and `std` are applied inside. Outputs, float32 (N, classes):
    `logits`, which are what a last Softmax gets where the network has one, and `probabilities`, their softmax; with
    `every_layer` also what each layer puts out, named by its number, "4.1" inside a Residual, but for such a Softmax.
    Raises ArchitectureError, and KeyError where a weight is missing.
    """
    traced = trace(layers, image_shape)
    (num_classes,) = traced[-1].output_shape
    graph = _Graph(weights)
    normalised = graph.add("Div", graph.add("Sub", "images", graph.constant("mean", mean)), graph.constant("std", std))
    scores = graph.chain(traced[:-1] if isinstance(layers[-1], Softmax) else traced, normalised)
    graph.nodes += [
        helper.make_node("Identity", [scores], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["probabilities"], axis=1),
    ]
    outputs = [_floats("logits", (num_classes,)), _floats("probabilities", (num_classes,))]
    for layer, value in graph.outputs if every_layer else ():
        graph.nodes.append(helper.make_node("Identity", [value], [layer.number]))
        outputs.append(_floats(layer.number, layer.output_shape))
    made = helper.make_graph(
        graph.nodes, "network", [_floats("images", image_shape)], outputs, graph.initializers,
    )  # fmt: skip
    opsets = [helper.make_opsetid("", OPSET)]
    return helper.make_model(made, opset_imports=opsets, ir_version=IR_VERSION, producer_name="trainyard")


class _Graph:
    """Nodes and weights so far. Values are called by their number, weights as in the safetensors file."""

    def __init__(self, weights: Weights) -> None:
        self._weights = weights
        self.nodes: list[NodeProto] = []
        self.initializers: list[TensorProto] = []
        self.outputs: list[tuple[TracedLayer, str]] = []  # each layer and the name of its value

    def add(self, operation: str, *inputs: str, **attributes: Any) -> str:  # Any: ints, floats, lists of ints
        """One node; returns the name of its output."""
        output = f"value-{len(self.nodes)}"
        self.nodes.append(helper.make_node(operation, inputs, [output], **attributes))
        return output

    def constant(self, name: str, value: float) -> str:
        self.initializers.append(numpy_helper.from_array(np.array(value, np.float32), name))
        return name

    def chain(self, traced: Iterable[TracedLayer], value: str, prefix: str = "") -> str:
        """Layer after layer; returns the name of the last one's output."""
        for position, layer in enumerate(traced):
            value = self._layer(layer, value, f"{prefix}{position}.")
            self.outputs.append((layer, value))
        return value

    def _layer(self, layer: TracedLayer, value: str, prefix: str) -> str:
        match layer.spec:
            case Conv2d() as spec:
                window = _window(spec.kernel_size, spec.stride) | {"pads": [spec.padding] * 4}
                return self.add("Conv", value, *self._learned(prefix, spec.bias), **window)
            case BatchNorm2d():
                statistics = [self._weight(f"{prefix}{name}") for name in ("running_mean", "running_var")]
                learned = [*self._learned(prefix, True), *statistics]
                return self.add("BatchNormalization", value, *learned, epsilon=BATCH_NORM_EPSILON)
            case ReLU():
                return self.add("Relu", value)
            case Tanh() | Sigmoid():
                return self.add(layer.spec.type, value)
            case GELU():
                return self.add("Gelu", value)
            case MaxPool2d() as spec:
                return self.add("MaxPool", value, **_window(spec.kernel_size, spec.stride))
            case AvgPool2d() as spec:
                return self.add("AveragePool", value, **_window(spec.kernel_size, spec.stride))
            case Flatten():
                return self.add("Flatten", value)
            case Linear() as spec:
                return self.add("Gemm", value, *self._learned(prefix, spec.bias), transB=1)
            case Dropout():
                return value  # acts in training only
            case Softmax():
                return self.add("Softmax", value, axis=1)
            case Residual():
                return self.add("Add", value, self.chain(layer.inner, value, f"{prefix}inner."))
            case _:
                assert_never(layer.spec)

    def _learned(self, prefix: str, has_bias: bool) -> list[str]:
        return [self._weight(f"{prefix}{name}") for name in (("weight", "bias") if has_bias else ("weight",))]

    def _weight(self, name: str) -> str:
        self.initializers.append(numpy_helper.from_array(np.asarray(self._weights[name], np.float32), name))
        return name


def _window(kernel_size: int, stride: int) -> dict[str, list[int]]:
    return {"kernel_shape": [kernel_size] * 2, "strides": [stride] * 2}


def _floats(name: str, shape: tuple[int, ...]) -> Any:  # a ValueInfoProto
    return helper.make_tensor_value_info(name, TensorProto.FLOAT, ["N", *shape])
