"""Which runs can be trained as one stacked model: those that differ in nothing but what each keeps to itself."""

from typing import Any

from core.architectures.layers import LAYERS, Layers
from core.run_config import RunConfig, sha256_of

# The first three rule no step of the training, or only when it ends; the rest is one number for each member.
EACH_ITS_OWN = frozenset(
    {"name", "selection", "early_stopping_patience"}
    | {"seed", "learning_rate", "momentum", "weight_decay", "label_smoothing"}
)


def stack_key(config: RunConfig, layers: Layers) -> str:
    """The same for two runs that can be members of one stack. Layers stand for names, without their dropout rates."""
    alike = config.model_dump(mode="json", exclude={*EACH_ITS_OWN, "architecture"})
    return sha256_of(alike | {"layers": _without_rates(LAYERS.dump_python(layers, mode="json"))})


def _without_rates(part: Any) -> Any:  # JSON of layers, or a part of it
    if isinstance(part, dict):
        return {
            key: _without_rates(value) for key, value in part.items() if (part.get("type"), key) != ("Dropout", "p")
        }
    return [_without_rates(each) for each in part] if isinstance(part, list) else part
