"""ONNX Runtime: images to every chosen network's answer, by the newest weights of its run. No torch.

A network is made when it is first asked, kept while it is among the last that were, and made anew when its run has
written newer weights. What one thread makes, all use.
"""

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.database import Database
from core.dataset_store import Manifest
from core.run_state import RunNotFound
from core.runs import run_by_id
from core.tables import Run
from core.trained_weights import StoredWeights, WeightsMissing, WeightsReplaced, stored_weights, why_no_weights

MOST_NETWORKS = 64
MOST_BYTES = 96 * 2**20  # of their weights; ONNX Runtime holds them about once, and the server may have 300 MiB

Probabilities = NDArray[np.float32]  # (N, classes)


@dataclass(frozen=True)
class Network:
    """A run's network, ready to answer."""

    stored: StoredWeights
    made_for: Manifest
    session: Any  # an onnxruntime.InferenceSession, which has no types
    num_bytes: int

    def is_of(self, stored: StoredWeights, manifest: Manifest) -> bool:
        return self.stored.sha256 == stored.sha256 and self.made_for == manifest

    def answer(self, images: NDArray[np.uint8]) -> Probabilities:
        """(N, C, H, W)"""
        (probabilities,) = self.session.run(["probabilities"], {"images": images.astype(np.float32) / 255})
        return np.asarray(probabilities)

    def layers(self, image: NDArray[np.uint8]) -> dict[str, NDArray[np.float32]]:
        """What each layer puts out for one (C, H, W) image, by its number; of a network made with every layer."""
        names = [output.name for output in self.session.get_outputs()]
        values = self.session.run(names, {"images": image[None].astype(np.float32) / 255})
        return {name: value[0] for name, value in zip(names, values, strict=True)}


class Predictor:
    """The networks of one server."""

    def __init__(self, database: Database, runs_dir: Path) -> None:
        self._database, self._runs_dir = database, runs_dir
        self._held: OrderedDict[tuple[int, bool], Network] = OrderedDict()
        self._lock = threading.Lock()

    def networks(self, runs: Sequence[Run], manifest: Manifest) -> tuple[list[Network], list[str]]:
        """Those of the runs that have weights, in their order; of the others in a sentence each why not."""
        with self._database.reading() as session:
            stored = stored_weights(session, self._runs_dir, runs)
        found, missing = [], []
        for run in runs:
            try:
                found.append(self._network(run, stored.get(run.id or 0), manifest))
            except (WeightsMissing, WeightsReplaced, RunNotFound) as error:
                missing.append(str(error))
        return found, missing

    def with_every_layer(self, run: Run, manifest: Manifest) -> Network:
        """Raises WeightsMissing, WeightsReplaced."""
        with self._database.reading() as session:
            stored = stored_weights(session, self._runs_dir, [run])
        return self._network(run, stored.get(run.id or 0), manifest, every_layer=True)

    def _network(
        self, run: Run, stored: StoredWeights | None, manifest: Manifest, every_layer: bool = False
    ) -> Network:
        """Where the file has given way to the next epoch's meanwhile, that one's."""
        if stored is None:
            raise WeightsMissing(why_no_weights(run))
        try:
            return self._held_or_made(stored, manifest, every_layer)
        except WeightsReplaced:
            newer = self._stored_now(run)
            if newer is None or newer.sha256 == stored.sha256:
                raise
            return self._held_or_made(newer, manifest, every_layer)

    def _stored_now(self, run: Run) -> StoredWeights | None:
        with self._database.reading() as session:
            assert run.id is not None
            return stored_weights(session, self._runs_dir, [run_by_id(session, run.id)]).get(run.id)

    def _held_or_made(self, stored: StoredWeights, manifest: Manifest, every_layer: bool) -> Network:
        key = (stored.run.id or 0, every_layer)
        with self._lock:
            held = self._held.pop(key, None)
            if held is None or not held.is_of(stored, manifest):
                held = make_network(stored, manifest, every_layer=every_layer)
            else:
                held = replace(held, stored=stored)  # the same weights, of a run that has ended or been renamed since
            self._held[key] = held
            while len(self._held) > MOST_NETWORKS or sum(one.num_bytes for one in self._held.values()) > MOST_BYTES:
                if len(self._held) == 1:
                    break
                self._held.popitem(last=False)
            return held


def make_network(stored: StoredWeights, manifest: Manifest, *, every_layer: bool = False) -> Network:
    """Raises WeightsReplaced."""
    import onnxruntime  # with the first prediction: it and onnx bring 30 MiB along

    from core.onnx_graph import onnx_model

    weights = stored.read(manifest.image_shape, len(manifest.classes))
    made = onnx_model(
        stored.layers, weights, manifest.image_shape, mean=manifest.mean, std=manifest.std, every_layer=every_layer
    )
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1  # the cores are the trainers'
    options.enable_cpu_mem_arena = False  # answers are rare and small: what they took is given back
    options.log_severity_level = 3  # errors alone: that there is no GPU is not one
    session = onnxruntime.InferenceSession(made.SerializeToString(), options, providers=["CPUExecutionProvider"])
    return Network(stored, manifest, session, sum(tensor.nbytes for tensor in weights.values()))
