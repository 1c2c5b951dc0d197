"""schemathesis over the whole OpenAPI document: what it says is true of every answer, whatever is sent."""

from pathlib import Path
from typing import Any, Final

import pytest
import schemathesis.openapi
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.core.result import Ok
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)
from sqlalchemy import URL

from control.api.endpoint import Route
from control.api.openapi import document
from control.identity.roles import Role
from tests.control.api.requests import REQUESTS
from tests.control.api.served import Served, served

EXAMPLES: Final = 4
"""Of each route, each kind and each database."""

CHECKS: Final = [
    not_a_server_error,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
]
KINDS: Final = {GenerationMode.POSITIVE: CHECKS, GenerationMode.NEGATIVE: [*CHECKS, negative_data_rejection]}
THEMSELVES: Final = {"log_out", "change_place"}
"""They end the session by which they are asked: each call brings one of its own."""


def role_for(route: Route) -> Role | None:
    """Somebody whom the route lets in, so that its own answers are seen."""
    if not isinstance(route.access, frozenset):
        return None
    order = (Role.ADMINISTRATOR, Role.PATIENT, Role.INTEGRATOR)
    return next((role for role in order if role in route.access), min(route.access))


def hold(running: Served, route: Route, mode: GenerationMode, operation: Any) -> None:
    async def headers(world: Any) -> dict[str, str]:
        role = role_for(route)
        if role is not None and route.name in THEMSELVES:
            world.headers.pop(role, None)
        return {} if role is None else dict(await world.headers_of(role))

    async def good(world: Any) -> Any:
        return await REQUESTS[route.name](world, world.west)

    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), real=st.booleans())
    def run(case: Any, real: bool) -> None:
        if real and route.parameters and mode is GenerationMode.POSITIVE:
            case.path_parameters = dict(running.do(good).ids)
        case.call_and_validate(base_url=running.address, headers=running.do(headers), checks=KINDS[mode])

    run()


@pytest.mark.timeout(600)  # minutes, where others use the machine as well
@pytest.mark.parametrize("mode", KINDS, ids=lambda mode: mode.value)
def test_every_answer_is_as_the_document_says(database_url: URL, tmp_path: Path, mode: GenerationMode) -> None:
    with served(database_url, tmp_path) as running:
        routes = {route.name: route for route in running.world.routes}
        described = document(running.world.routes)
        # Who may is held by the table of access; here everybody brings what they need.
        for path in described["paths"].values():
            for operation in path.values():
                del operation["security"]
        for found in schemathesis.openapi.from_dict(described).get_all_operations():
            assert isinstance(found, Ok)
            operation = found.ok()
            route = routes[operation.definition.raw["operationId"]]
            takes_nothing = route.body is None and route.query is None and not route.parameters
            if not (takes_nothing and mode is GenerationMode.NEGATIVE):
                hold(running, route, mode, operation)
