"""How the launch form speaks: options and reasons in a person's words, a hint for each field of the run config."""

WORDS = {
    "sgd": "SGD", "adam": "Adam", "adamw": "AdamW", "one-cycle": "One-cycle", "max": "Max", "avg": "Average",
    "relu": "ReLU", "gelu": "GELU", "last": "The last", "best_val": "The best by validation",
    "auto": "Automatic", "cpu": "CPU", "cuda": "GPU (CUDA)", "fp32": "32-bit float", "tf32": "TF32",
    "bf16": "bfloat16 autocast",
}  # fmt: skip
HINTS = {
    "epochs": "Passes over the training images.",
    "batch_size": "Images per optimizer step.",
    "optimizer": "SGD is what the report used.",
    "learning_rate": "Its peak, where the schedule changes it.",
    "momentum": "Share of the last step that is kept.",
    "nesterov": "Look ahead along the momentum.",
    "schedule": "How the learning rate moves over the run.",
    "step_epochs": "Epochs between two drops.",
    "step_factor": "Each drop multiplies the rate by this.",
    "warmup_epochs": "Epochs of linear rise at the start.",
    "weight_decay": "Pull of the weights towards zero; 0 for none.",
    "label_smoothing": "Share of the target spread over all classes.",
    "augmentation": "Random shifts, or shifts, turns and scaling, of each training image.",
    "precision": "TF32 and bfloat16 are faster on recent GPUs; TF32 on a CPU is 32-bit.",
    "device": "Automatic takes a GPU where there is one.",
    "validation": "Held out of train by the seed; empty for none.",
    "selection": "Whose weights and figures count.",
    "early_stopping_patience": "Epochs without a better validation loss; empty: never stop early.",
    "seed": "Decides initial weights, order and dropout. The first, or a list: 0, 1, 5.",
    "seeds": "Each config is trained so often, the seed counting up. Three tell luck from difference.",
    "repeats": "Each config and seed is trained so often. Costs come as medians with ranges; results count once.",
    "name": "Empty: made from what is trained.",
}
# How pydantic begins a reason, and how a person would.
PLAIN_WORDS = (
    ("input should be a valid integer", "must be a whole number"),
    ("input should be a finite number", "must be a number"),
    ("input should be a valid number", "must be a number"),
    ("input should be a valid boolean", "must be on or off"),
    ("input should be greater than or equal to", "must be at least"),
    ("input should be less than or equal to", "must be at most"),
    ("input should be ", "must be "),
    ("string should have at most", "must have at most"),
    ("tuple should have at most", "takes at most"),
)


def in_plain_words(reason: str) -> str:
    """A reason that pydantic gave, as the page tells it."""
    reason, where, value = reason.partition(" (where ")
    reason = reason.split(", unable to parse")[0].split(", got a number")[0]
    plain = next((new + reason[len(old) :] for old, new in PLAIN_WORDS if reason.startswith(old)), reason)
    return plain + where + value
