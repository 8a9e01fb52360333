"""The OpenAPI page of the JSON door: what stands above the routes, and problems under their own media type."""

from typing import Any

from fastapi import FastAPI

DESCRIPTION = """
Launch training runs of small image classifiers and follow them. A run is made by `POST /api/v1/runs` and waits in the
queue until a worker claims it; `GET /api/v1/runs/{id}` tells how far it is, `GET /api/v1/events` streams what happens.

* Accuracies are fractions, times are UTC, a figure that is missing, NaN or infinite is `null`.
* What goes wrong is told as problem details (RFC 9457); `errors` names each refused field with its reason.
* A server that listens on more than its own machine asks for `Authorization: Bearer <token>`.
"""
TAGS = [
    {"name": "runs", "description": "Launch, follow, change and collect."},
    {"name": "experiments", "description": "Many runs that ask one question: a base, a grid of values, seeds."},
    {"name": "compare", "description": "Runs, experiments and groups beside each other."},
    {"name": "catalogue", "description": "What a run can train, and on what."},
    {"name": "queue", "description": "Who waits, and who works."},
    {"name": "storage", "description": "What takes room, old checkpoints, and the bin."},
    {"name": "live", "description": "What happens, as it happens."},
    {"name": "health", "description": "For whatever watches over the server."},
]


class Application(FastAPI):
    """FastAPI, which lists a problem under the media type of the route's own answer."""

    def openapi(self) -> dict[str, Any]:  # JSON
        if self.openapi_schema is None:
            for path in super().openapi()["paths"].values():
                for operation in path.values():
                    _name_problems(operation["responses"])
        assert self.openapi_schema is not None
        return self.openapi_schema


def _name_problems(responses: dict[str, Any]) -> None:
    for status, response in responses.items():
        if status >= "400" and "content" in response:
            response["content"] = {"application/problem+json": next(iter(response["content"].values()))}
