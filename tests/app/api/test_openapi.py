"""The OpenAPI page is worth reading, and the server keeps to it whatever is sent (schemathesis)."""

import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx2
import pytest
import schemathesis
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig, ProjectConfig, ProjectsConfig, SchemathesisConfig
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.main import create_app
from core.experiment_plan import plan_experiment
from core.run_config import parse_run_config, resolve_run
from core.settings import Settings

MAX_EXAMPLES = 12  # of each operation, beside those at the edges of the schema: the whole stays below a minute
CHECKS: list[schemathesis.CheckFunction] = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    negative_data_rejection,
]

config = SchemathesisConfig(
    seed=0,
    projects=ProjectsConfig(
        default=ProjectConfig(
            generation=GenerationConfig(max_examples=MAX_EXAMPLES, deterministic=True, database="none"),
        )
    ),
)
openapi = create_app(Settings(data_dir=Path("never made"))).openapi()
schema = schemathesis.openapi.from_dict(openapi, config=config).exclude(path="/api/v1/events")  # it never ends


@pytest.fixture(scope="module")
def address(
    serve: Callable[[Settings], AbstractContextManager[tuple[subprocess.Popen[str], str]]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[str]:
    """Of a server with something to find, so that more than refusals is tried."""
    with serve(Settings(data_dir=tmp_path_factory.mktemp("api") / "data")) as (_, address):
        for seed in range(3):
            run = {"architecture": {"name": "lenet5"}, "dataset": "digits", "seed": seed}
            assert httpx2.post(f"{address}/api/v1/runs", json=run).status_code == 201
        many = {"base": {"architecture": {"name": "lenet5"}, "dataset": "digits"}, "seeds": 2}
        assert httpx2.post(f"{address}/api/v1/experiments", json=many).status_code == 201
        yield address


@schema.parametrize()
def test_the_server_keeps_to_its_schema_whatever_is_sent(address: str, case: schemathesis.Case[Any]) -> None:
    case.call_and_validate(base_url=address, checks=CHECKS)


def test_every_route_says_what_it_does_and_what_may_go_wrong() -> None:
    operations = {
        f"{method} {path}": operation for path, ways in openapi["paths"].items() for method, operation in ways.items()
    }
    assert len(operations) >= 20
    for name, operation in operations.items():
        assert operation.get("description"), name
        assert operation["tags"], name
        problems = {status: response for status, response in operation["responses"].items() if status >= "400"}
        assert problems or name == "get /healthz", name
        for response in problems.values():
            assert list(response["content"]) == ["application/problem+json"], name
    launch = operations["post /api/v1/runs"]["requestBody"]["content"]["application/json"]
    assert len(launch["examples"]) == 3


def test_every_example_of_a_launch_can_be_launched() -> None:
    launch = openapi["paths"]["/api/v1/runs"]["post"]["requestBody"]["content"]["application/json"]
    for example in launch["examples"].values():
        assert resolve_run(parse_run_config(example["value"])).num_parameters > 0
    many = openapi["paths"]["/api/v1/experiments"]["post"]["requestBody"]["content"]["application/json"]
    asked = [dict(example["value"]) for example in many["examples"].values()]
    assert [one.pop("benchmark", False) for one in asked] == [False, False, True]
    assert [plan_experiment(**one).num_runs for one in asked] == [6, 6, 10]
