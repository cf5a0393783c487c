"""What a machine makes of the OpenAPI document, against a real server: no 5xx, nothing undocumented."""

import asyncio
import socket
from collections.abc import AsyncIterator

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import negative_data_rejection, positive_data_acceptance

import admin_api.app
from runtime.runtime import Runtime
from tests.admin_api.api_rig import Business

pytestmark = pytest.mark.slow
_BEYOND_A_SCHEMA = [positive_data_acceptance, negative_data_rejection]
"""A cursor is any string to a schema, and still only ours are taken; and known ids are put into what was meant to be
wrong, so that it comes further than the first door."""


@pytest.fixture(scope="module")
async def url(rt: Runtime) -> AsyncIterator[str]:
    app = admin_api.app.create(rt, per_minute=1_000_000)
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        door.listen()
        task = asyncio.create_task(server.serve(sockets=[door]))
        yield f"http://127.0.0.1:{door.getsockname()[1]}"
        server.should_exit = True
        await task


@pytest.mark.parametrize("kind", ["owner", "viewer", "stranger"])
async def test_no_surprises(url: str, business: Business, kind: str) -> None:
    customer = await business.customer()
    draft_id = await customer.draft()
    keys = {} if kind == "stranger" else business.key(kind)
    known = {
        "ws": str(business.id),
        "conversation_id": str(customer.conversation_id),
        "draft_id": str(draft_id),
    }
    await asyncio.to_thread(_run, url, keys, known)


def _run(url: str, keys: dict[str, str], known: dict[str, str]) -> None:
    schema = schemathesis.openapi.from_url(f"{url}/openapi.json")
    for result in schema.get_all_operations():
        operation = result.ok()
        for parameters in (known, {"ws": known["ws"]}, {}):
            for mode in schemathesis.GenerationMode:
                _try(operation.as_strategy(generation_mode=mode), keys, parameters)


def _try(strategy, keys: dict[str, str], known: dict[str, str]) -> None:
    @given(case=strategy)
    @settings(
        max_examples=8, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    def attempt(case: schemathesis.Case) -> None:
        case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        case.call_and_validate(headers=keys, excluded_checks=_BEYOND_A_SCHEMA)

    attempt()
