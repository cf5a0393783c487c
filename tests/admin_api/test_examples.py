"""Every example of the OpenAPI document, sent: it is taken as the document says. Whatever takes JSON shows one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Any

import pytest

from admin_api import examples
from frontdesk.stories.stage import Stage
from tests.admin_api.api_rig import Api, Business, hire
from tests.admin_api.example_rig import SETTINGS, Example, filled
from tests.admin_api.people_rig import register
from tests.channels.test_whatsapp import open_shop
from tests.rig import NOW

Json = dict[str, Any]


@pytest.fixture
async def marina(stage: Stage) -> AsyncIterator[Business]:
    stage.clock.frozen = NOW
    shop = await open_shop(stage, **SETTINGS)
    yield await hire(shop.rt, shop.workspace_id)
    stage.meta.state.chaos.reset()
    stage.meta.state.fates.clear()


@pytest.fixture(scope="module")
async def its_api(stage: Stage, open_api: Callable[..., Awaitable[Api]]) -> Api:
    return await open_api(stage.rt)


@pytest.fixture(scope="module")
async def document(its_api: Api) -> Json:
    return dict((await its_api.get("/api/v1/openapi.json")).json())


@pytest.mark.parametrize(
    ("operation", "title"),
    [(operation, title) for operation in examples.operations() for title in examples.written(operation)],
)
async def test_an_example_runs(
    its_api: Api, marina: Business, document: Json, operation: str, title: str
) -> None:
    method, path, told = next(
        (method, path, told)
        for path, methods in document["paths"].items()
        for method, told in methods.items()
        if told["operationId"] == operation
    )
    example = Example(its_api, marina, await register(its_api), NOW)
    for part in [one["name"] for one in told["parameters"] if one["in"] == "path"] if "{" in path else ():
        path = path.replace(f"{{{part}}}", await example(part))
    body = await filled(example, examples.written(operation)[title])
    signed = "/workspaces/" not in path or path == "/workspaces"
    headers = example.owner.headers if signed else marina.key("owner")
    answer = await its_api.request(method.upper(), f"/api/v1{path}", json=body, headers=headers)
    assert answer.is_success, (body, answer.text)
    assert str(answer.status_code) in told["responses"]


def test_whatever_takes_json_shows_an_example(document: Json) -> None:
    silent = [
        told["operationId"]
        for methods in document["paths"].values()
        for told in methods.values()
        if "application/json" in (content := told.get("requestBody", {}).get("content", {}))
        and not content["application/json"].get("examples")
    ]
    assert silent == [], "write one into admin_api/examples.yaml"


def test_the_document_holds_samples_and_no_places(document: Json) -> None:
    shown = [
        one["value"]
        for methods in document["paths"].values()
        for told in methods.values()
        for one in told.get("requestBody", {})
        .get("content", {})
        .get("application/json", {})
        .get("examples", {})
        .values()
    ]
    assert len(shown) > 60
    assert all(examples.places(value) == set() for value in shown)
