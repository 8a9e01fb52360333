"""The server runs without torch: it starts in a second and fits an image that does not contain it."""

import json
import subprocess
import sys
from pathlib import Path

SERVER = """
import json, sys, pathlib
from app.main import create_app
from core.settings import Settings
app = create_app(Settings(data_dir=pathlib.Path(sys.argv[1])))
app.openapi()
print(json.dumps([len(app.routes), sorted({name.split(".")[0] for name in sys.modules})]))
"""


def test_the_server_imports_no_torch_and_nothing_of_the_worker(tmp_path: Path) -> None:
    told = subprocess.run([sys.executable, "-c", SERVER, str(tmp_path)], capture_output=True, text=True, check=True)
    num_routes, modules = json.loads(told.stdout)
    assert num_routes > 10
    assert {"app", "core", "fastapi"} <= set(modules)
    assert "scipy" not in modules  # 26 MiB, which come with the first comparison
    assert not {"torch", "torchvision", "sklearn", "safetensors", "onnx", "onnxruntime", "worker"} & set(modules)
