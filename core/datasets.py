"""The datasets a run can train on: names, classes, sizes, sources. The images themselves are in dataset_store."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

ImageShape = tuple[int, int, int]  # (channels, height, width)

# Of the published datasets, as torchvision lays them out below the datasets folder: <folder>/raw/<file>[.gz]
RAW_FOLDERS = MappingProxyType({"mnist": "MNIST", "fashion-mnist": "FashionMNIST", "kmnist": "KMNIST"})
RAW_FILES = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")

DIGIT_CLASSES = tuple("0123456789")


class UnknownDataset(ValueError):
    """No dataset of the catalogue has that name."""


class DatasetUnavailable(ValueError):
    """The dataset exists but its images cannot be had here; reason and suggestion are fit for the page."""

    def __init__(self, reason: str, suggestion: str) -> None:
        super().__init__(f"{reason} {suggestion}")
        self.reason = reason
        self.suggestion = suggestion


@dataclass(frozen=True, kw_only=True)
class Dataset:
    """A catalogue entry. `None` stands for what is only known once the images are there (see the manifest)."""

    name: str
    title: str
    summary: str
    classes: tuple[str, ...]
    image_shape: ImageShape = (1, 28, 28)
    num_train: int | None = None
    num_test: int | None = None
    mean: float | None = None  # of pixels scaled to [0, 1]; None: measured on train
    std: float | None = None
    source: str
    licence: str
    needs_network: bool
    is_imported: bool = False


_CATALOGUE = (
    Dataset(
        name="digits",
        title="Digits",
        summary="1,797 handwritten digits of 8×8 pixels that ship inside scikit-learn, scaled to 28×28. Ready at once.",
        classes=DIGIT_CLASSES,
        num_train=1_437,
        num_test=360,
        source="Alpaydin and Kaynak (1998), Optical Recognition of Handwritten Digits, UCI; scikit-learn's load_digits",
        licence="CC BY 4.0",
        needs_network=False,
    ),
    Dataset(
        name="mnist",
        title="MNIST",
        summary="70,000 handwritten digits, the dataset of the report.",
        classes=DIGIT_CLASSES,
        num_train=60_000,
        num_test=10_000,
        mean=0.1307,  # the report's normalisation, shared/report
        std=0.3081,
        source="LeCun, Cortes and Burges (1998), The MNIST database of handwritten digits; through torchvision",
        licence="CC BY-SA 3.0",
        needs_network=True,
    ),
    Dataset(
        name="fashion-mnist",
        title="Fashion-MNIST",
        summary="70,000 pictures of clothes in MNIST's format, harder than digits.",
        classes=(
            *("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat"),
            *("Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"),
        ),
        num_train=60_000,
        num_test=10_000,
        source="Xiao, Rasul and Vollgraf (2017), arXiv:1708.07747; through torchvision",
        licence="MIT",
        needs_network=True,
    ),
    Dataset(
        name="kmnist",
        title="Kuzushiji-MNIST",
        summary="70,000 cursive Japanese characters in MNIST's format, ten classes.",
        classes=("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"),
        num_train=60_000,
        num_test=10_000,
        source="Clanuwat et al. (2018), arXiv:1812.01718; through torchvision",
        licence="CC BY-SA 4.0",
        needs_network=True,
    ),
    Dataset(
        name="archive",
        title="Your archives",
        summary="Train and test as tar, zip or folder of 28×28 PNGs named {number}_{label}.png, as in the report.",
        classes=DIGIT_CLASSES,
        source="files below datasets/archive in the data folder",
        licence="that of the files",
        needs_network=False,
    ),
)

DATASETS: Mapping[str, Dataset] = MappingProxyType({dataset.name: dataset for dataset in _CATALOGUE})


def dataset_named(name: str) -> Dataset:
    """Raises UnknownDataset, naming those there are."""
    if name not in DATASETS:
        raise UnknownDataset(f"there is no dataset {name!r}; there are {', '.join(DATASETS)}")
    return DATASETS[name]


def is_fetched(name: str, datasets_dir: Path) -> bool:
    """Whether the published files of a dataset are here, so that the first run on it needs no network."""
    if name not in RAW_FOLDERS:
        return False
    raw = datasets_dir / RAW_FOLDERS[name] / "raw"
    return all((raw / file).is_file() or (raw / f"{file}.gz").is_file() for file in RAW_FILES)
