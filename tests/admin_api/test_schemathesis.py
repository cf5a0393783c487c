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
from tests.admin_api.api_rig import Api, Business, Shop

pytestmark = pytest.mark.slow
_BEYOND_A_SCHEMA = [positive_data_acceptance, negative_data_rejection]
"""A cursor is any string to a schema, and still only ours are taken; and known ids are put into what was meant to be
wrong, so that it comes further than the first door."""


@pytest.fixture(scope="module")
async def shaped(api: Api, business: Business) -> None:
    """There is a schema and a rule to ask for."""
    shop = Shop(api, business)
    await shop.make(
        "/schemas", {"name": "trip", "fields": [{"name": "guests", "type": "integer", "extract": True}]}
    )
    await shop.make("/rules", {"name": "it", "on": "message_received", "then": [{"add_tag": "a"}]})


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


PIECES = 6
"""So that a part can be run alone: `-k "owner and piece2"`."""
EXAMPLES = {"owner": 8, "admin": 3, "agent": 3, "viewer": 4, "stranger": 3}


@pytest.mark.parametrize("piece", [f"piece{n}" for n in range(PIECES)])
@pytest.mark.parametrize("kind", EXAMPLES)
async def test_no_surprises(url: str, shaped: None, business: Business, kind: str, piece: str) -> None:
    customer = await business.customer()
    draft_id = await customer.draft()
    keys = {} if kind == "stranger" else business.key(kind)
    talk = str(customer.conversation_id)
    known = {
        "ws": str(business.id), "conversation_id": talk, "context_id": talk, "draft_id": str(draft_id),
        "schema_id": "trip", "rule_id": "it", "person_id": str(business.persons["viewer"]),
    }  # fmt: skip
    wrong = await asyncio.to_thread(_run, url, keys, known, int(piece[-1]), EXAMPLES[kind])
    assert wrong == []


def _run(url: str, keys: dict[str, str], known: dict[str, str], piece: int, examples: int) -> list[str]:
    """What went wrong, of every operation of this piece."""
    schema, wrong = schemathesis.openapi.from_url(f"{url}/openapi.json"), list[str]()
    for n, result in enumerate(schema.get_all_operations()):
        operation = result.ok()
        if n % PIECES != piece:
            continue
        for parameters in (known, {"ws": known["ws"]}) if examples > 3 else (known,):
            for mode in schemathesis.GenerationMode:
                try:
                    _try(operation.as_strategy(generation_mode=mode), keys, parameters, examples)
                except Exception as error:  # noqa: BLE001  (all are told at the end)
                    wrong.append(f"{operation.label}: {str(error)[:2000]}")
    return wrong


def _try(strategy, keys: dict[str, str], known: dict[str, str], examples: int) -> None:
    @given(case=strategy)
    @settings(
        max_examples=examples, deadline=None, database=None, phases=[Phase.generate],
        suppress_health_check=list(HealthCheck), derandomize=True,
    )  # fmt: skip
    def attempt(case: schemathesis.Case) -> None:
        case.path_parameters.update({name: known[name] for name in case.path_parameters if name in known})
        case.call_and_validate(headers=keys, excluded_checks=_BEYOND_A_SCHEMA)

    attempt()
