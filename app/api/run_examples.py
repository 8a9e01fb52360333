"""Run configs as the documentation of the API shows them: a first one, one with everything, one with a source."""

EXAMPLES = {
    "first run": {
        "summary": "LeNet-5 on the digits that need no network",
        "value": {"architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2, "seed": 0},
    },
    "all the way": {
        "summary": "Another network, schedule and augmentation; the best epoch by 5,000 held-out images",
        "value": {
            "name": "LeNet5moon, cosine",
            "architecture": {"name": "lenet5-moon", "parameters": {"dropout": 0.3}},
            "dataset": "mnist", "epochs": 20, "optimizer": "adamw", "learning_rate": 0.001, "weight_decay": 0.01,
            "schedule": "cosine", "warmup_epochs": 1, "augmentation": "shift", "validation": 5000,
            "selection": "best_val", "early_stopping_patience": 5, "seed": 7,
        },
    },
    "fine-tuning": {
        "summary": "From the weights of run 1, with a smaller learning rate",
        "value": {
            "architecture": {"name": "lenet5"}, "dataset": "digits", "epochs": 2, "learning_rate": 0.001,
            "source": {"mode": "weights", "run_id": 1},
        },
    },
}  # fmt: skip
