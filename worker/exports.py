"""The files that a completed run is exported to: predictions of the test split, an ONNX model, a TensorBoard file."""

import tempfile
from collections.abc import Callable, Iterator, Mapping
from functools import cached_property
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from safetensors.torch import load
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary
from tensorboardX.record_writer import RecordWriter
from torch import nn

from core.architectures.layers import LAYERS, Softmax
from core.dataset_store import MaterialisedDataset
from core.exports import EXPORTED_KINDS, DueExport
from core.metrics import SUMMARY_FIGURES
from core.onnx_graph import OPSET, onnx_model
from core.predictions import PREDICTION
from core.records import WrittenFile
from core.run_config import RunConfig
from core.settings import Settings
from worker.batches import Splits, test_split_of
from worker.checkpoints import read_whole, write_whole
from worker.data import opened
from worker.device import chosen_device
from worker.models import build
from worker.train import EVALUATION_BATCH, evaluated

LARGEST_DIFFERENCE = 1e-4  # of a probability: what the server's answers are allowed to differ from torch's
CURVES = (*SUMMARY_FIGURES, "learning_rate", "seconds", "images_per_second")


class NotExported(RuntimeError):
    """A file could not be made, or is not what it should be; the message says why."""


class Export:
    """What one run's files are made from; the network is built when the first file needs it."""

    def __init__(self, due: DueExport, settings: Settings) -> None:
        self._due, self._run, self._settings = due, due.run, settings
        self._folder = settings.runs_dir / str(due.run.id)
        self._config = RunConfig.model_validate(due.run.config)
        self._layers = LAYERS.validate_python(due.run.layers)

    def write(self) -> tuple[list[WrittenFile], list[str]]:
        """The files that were missing, and a line for each that cannot be made."""
        files: list[WrittenFile] = []
        complaints: list[str] = []
        writers: dict[str, Callable[[], WrittenFile]] = {
            "tensorboard": self._write_tensorboard, "predictions": self._write_predictions, "onnx": self._write_onnx,
        }  # fmt: skip
        for kind, write in writers.items():
            try:
                if kind in self._due.missing:
                    files.append(write())
            except Exception as error:  # whatever it is, the other files are made and the log says which is not
                complaints.append(f"Not exported: {EXPORTED_KINDS[kind]}. {type(error).__name__}: {error}")
        return files, complaints

    def _write_predictions(self) -> WrittenFile:
        """As the run's own evaluation on its own device, so that the accuracy is the recorded one."""
        device = chosen_device(self._config)
        splits = test_split_of(self._dataset, device)
        classes, confidences = [], []
        for outputs, _ in evaluated(self._model.to(device), splits, splits.test, self._config.precision):
            probabilities = outputs.float() if self._has_softmax else outputs.float().softmax(1)
            confidence, _ = probabilities.max(1)
            classes.append(outputs.argmax(1).cpu().numpy())
            confidences.append(confidence.cpu().numpy())
        predictions = np.empty(len(splits.test), PREDICTION)
        predictions["class"], predictions["confidence"] = np.concatenate(classes), np.concatenate(confidences)
        num_correct = int((predictions["class"] == splits.test.labels.cpu().numpy()).sum())
        content = BytesIO()
        np.save(content, predictions, allow_pickle=False)
        facts = {"num_images": len(predictions), "num_correct": num_correct}
        return self._written("predictions", "predictions.npy", content.getvalue(), facts)

    def _write_onnx(self) -> WrittenFile:
        """Raises NotExported where ONNX Runtime answers otherwise than torch, both in float32 on the CPU."""
        model, splits = self._model.cpu(), test_split_of(self._dataset, torch.device("cpu"))
        weights = {name: tensor.numpy() for name, tensor in model.state_dict().items()}
        made = onnx_model(self._layers, weights, self._dataset.manifest.image_shape, mean=splits.mean, std=splits.std)
        content = made.SerializeToString(deterministic=True)
        facts = {"opset": OPSET, "num_images": len(splits.test)} | self._differences(content, model, splits)
        if not facts["largest_probability_difference"] < LARGEST_DIFFERENCE:
            raise NotExported(f"On the test split it answers otherwise than torch: {facts}")
        return self._written("onnx", "model.onnx", content, facts)

    @torch.inference_mode()
    def _differences(self, content: bytes, model: nn.Sequential, splits: Splits) -> dict[str, float]:
        """The largest between ONNX Runtime's answers and torch's, over the whole test split."""
        scores = model[:-1] if self._has_softmax else model
        session, largest = _onnx_session(content), np.zeros(2)
        for images in torch.split(splits.test.images.float().div_(255), EVALUATION_BATCH["cpu"]):
            found = session.run(["logits", "probabilities"], {"images": images.numpy()})
            logits = scores(splits.normalised(images.clone()))
            expected = (logits.numpy(), logits.softmax(1).numpy())
            largest = np.maximum(largest, [_largest(*both) for both in zip(found, expected, strict=True)])
        return {"largest_logit_difference": largest[0].item(), "largest_probability_difference": largest[1].item()}

    def _write_tensorboard(self) -> WrittenFile:
        """TensorBoard finds it below the data folder by "tfevents". Step: the epoch; tags: the metrics' own names."""
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder, "events")
            records = RecordWriter(str(file))
            for event in self._tensorboard_events():
                records.write(event.SerializeToString(deterministic=True))
            records.close()
            content = file.read_bytes()
        return self._written("tensorboard", "curves.tfevents", content, None)

    def _tensorboard_events(self) -> Iterator[Any]:  # Events, which tensorboardX has no types for
        yield Event(wall_time=self._due.epochs[0].recorded_at.timestamp(), file_version="brain.Event:2")
        for epoch in self._due.epochs:
            values = {name: getattr(epoch, name) for name in CURVES}
            summary = Summary(
                value=[Summary.Value(tag=tag, simple_value=value) for tag, value in values.items() if value is not None]
            )
            yield Event(wall_time=epoch.recorded_at.timestamp(), step=epoch.epoch, summary=summary)

    @cached_property
    def _model(self) -> nn.Sequential:
        weights = self._due.weights
        if weights is None:
            raise NotExported("The run left no weights.")
        model = build(self._layers, self._dataset.manifest.image_shape)
        model.load_state_dict(load(read_whole(self._folder / weights.file_name, weights.sha256)))
        return model.eval()

    @cached_property
    def _dataset(self) -> MaterialisedDataset:
        folders = {"datasets_dir": self._settings.datasets_dir, "materialised_dir": self._settings.materialised_dir}
        dataset = opened(self._run.dataset, **folders, report=lambda _: None)
        if dataset is None:
            raise NotExported(f"The images of {self._run.dataset} are no longer there.")
        return dataset

    @property
    def _has_softmax(self) -> bool:
        return isinstance(self._layers[-1], Softmax)

    def _written(self, kind: str, name: str, content: bytes, facts: Mapping[str, float] | None) -> WrittenFile:
        assert self._run.selected_epoch is not None
        return write_whole(kind, self._folder, name, content, self._run.selected_epoch, facts)


def _onnx_session(content: bytes) -> Any:  # onnxruntime has no types
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = torch.get_num_threads()
    options.log_severity_level = 3  # errors alone: that there is no GPU is not one
    return onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])


def _largest(one: NDArray[Any], other: NDArray[Any]) -> float:
    return float(np.abs(one - other).max())
