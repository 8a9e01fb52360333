"""What the server answers, without torch, is what the trained network says: on the whole test split of digits."""

from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save

from app.prediction import Predictor
from core import metrics
from core.database import Database
from core.dataset_store import MaterialisedDataset
from core.run_config import RunConfig, resolve_run
from core.runs import run_by_id
from core.settings import Settings
from tests.app.answering_runs import record_checkpoint, written
from tests.app.trained_runs import complete, started
from worker.batches import splits_of
from worker.train import Training

LARGEST_DIFFERENCE = 1e-4  # of a probability, issue 6


@pytest.mark.parametrize("name", ["lenet5", "custom-mlp", "report-mlp", "lenet5-moon2"])
def test_the_server_says_of_every_test_image_what_torch_says(
    database: Database, settings: Settings, digits: MaterialisedDataset, name: str
) -> None:
    config: dict[str, Any] = {"architecture": {"name": name}, "dataset": "digits", "epochs": 1, "seed": 3}
    resolved = resolve_run(RunConfig.model_validate(config))
    torch.set_num_threads(1)
    training = Training(resolved.config, resolved.layers, splits_of(digits, resolved.config, torch.device("cpu")))
    for _ in training.epochs(lambda _: None):
        pass
    training.model.eval()
    with torch.inference_mode():
        outputs = training.model(training.splits.normalised(training.splits.test.images.clone())).float()
    expected = (outputs if name == "report-mlp" else outputs.softmax(1)).numpy()

    lease = started(database, **config)
    weights = {key: tensor.numpy() for key, tensor in training.model.state_dict().items()}
    record_checkpoint(database, settings, lease, 1, weights)
    predictor = Predictor(database, settings.runs_dir)
    for kind in ("checkpoint", "weights"):
        with database.reading() as session:
            run = run_by_id(session, lease.run_id)
        (network,), missing = predictor.networks([run], digits.manifest)
        assert (network.stored.kind, missing) == (kind, [])
        found = network.answer(np.asarray(digits.images("test")))
        assert np.abs(found - expected).max() < LARGEST_DIFFERENCE
        assert len(found) == 360
        if kind == "checkpoint":
            content = save(training.model.state_dict())
            file = written(settings, lease.run_id, "weights", "weights.safetensors", content, 1)
            with database.writing() as session:
                metrics.record_weights(session, lease, file)
            complete(database, lease)
