"""What a network says of each test image after an epoch, packed: core/epoch_answers.py reads it again."""

import base64
import zlib
from collections.abc import Sequence

import torch
from torch import nn

from core.architectures.layers import Layers, Softmax


def says_probabilities(layers: Layers) -> bool:
    return isinstance(layers[-1], Softmax)


def answers_of(outputs: torch.Tensor, labels: torch.Tensor, *, are_probabilities: bool) -> torch.Tensor:
    """(..., classes), (...) -> (..., 2) uint8: the class said less the label, so that what is right is 0, and its
    probability in 255ths; 0 where it is not a number."""
    confidence = outputs.float() if are_probabilities else nn.functional.softmax(outputs.float(), -1)
    shares = confidence.amax(-1).mul(255).nan_to_num(0).round()
    return torch.stack(((outputs.argmax(-1) - labels) % 256, shares.long()), -1).to(torch.uint8)


def packed(answers: Sequence[torch.Tensor]) -> str:
    """Of (B, 2) each. Mostly 0 and 255: 10,000 images take three to seven kilobytes."""
    columns = torch.cat(list(answers)).t().contiguous().cpu().numpy()  # (2, N)
    return base64.b64encode(zlib.compress(columns.tobytes())).decode()
