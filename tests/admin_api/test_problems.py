"""Whatever goes wrong is said in the same shape, with a code that stays and no word of our insides."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import admin_api.app
from admin_api.envelope import LARGEST
from admin_api.problems import CODES
from domain import errors
from runtime.runtime import Runtime
from store.crypto import Keyring
from store.db import Database
from tests.admin_api.api_rig import Api, Business, Customer, is_problem


@pytest.fixture(scope="module")
async def customer(business: Business) -> Customer:
    return await business.customer()


async def send(api: Api, customer: Customer, content: bytes, **headers: str) -> httpx2.Response:
    given = customer.business.key(**({"content_type": "application/json"} | headers))
    return await api.post(customer.path + "/messages", headers=given, content=content)


@pytest.mark.parametrize(
    "content",
    [b"{", b"", b"nonsense", b'{"text": "a"', b'{"text": \xff}', b"[" * 30_000, b"\0"],
)  # fmt: skip
async def test_malformed_json(api: Api, customer: Customer, content: bytes) -> None:
    answer = await send(api, customer, content)
    if content:
        is_problem(answer, 400, "malformed")
    else:
        is_problem(answer, 422, "invalid", "")


async def test_not_json_at_all(api: Api, customer: Customer) -> None:
    for kind in (
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "json",
        "",
    ):
        answer = await send(api, customer, b'{"text": "a"}', content_type=kind)
        is_problem(answer, 415, "unsupported_media_type")
    assert (
        await send(api, customer, b'{"text": "a"}', content_type="application/json; charset=utf-8")
    ).is_success


async def test_too_large(api: Api, customer: Customer) -> None:
    is_problem(await send(api, customer, b'{"text": "' + b"a" * LARGEST + b'"}'), 413, "too_large")
    is_problem(await send(api, customer, b"{}", content_length="99999999999999999999"), 413, "too_large")

    async def pieces() -> AsyncIterator[bytes]:
        for _ in range(100):
            yield b" " * 1024

    given = customer.business.key(content_type="application/json")
    answer = await api.post(customer.path + "/messages", headers=given, content=pieces())
    is_problem(answer, 413, "too_large")


async def test_the_longest_text_is_not_too_large(api: Api, customer: Customer) -> None:
    """Written in the longest way that JSON has: two escapes of six bytes a character."""
    answer = await send(api, customer, b'{"text": "' + rb"\ud83d\udc4b" * 5_000 + b'"}')
    assert answer.status_code == 201


async def test_strangers_bodies_are_not_read(api: Api, customer: Customer) -> None:
    for content in (b"{", b"a" * (LARGEST + 1)):
        answer = await api.post(customer.path + "/messages", content=content)
        is_problem(answer, 401, "unauthenticated")


async def test_no_such_address(api: Api, business: Business) -> None:
    for path in (
        "/nowhere",
        "/",
        "/workspaces/",
        "/me/",
        f"/workspaces/{business.id}/conversations/",
        "/redoc",
    ):
        is_problem(await api.get(f"/api/v1{path}", headers=business.key()), 404, "not_found")


async def test_no_such_method(api: Api, business: Business) -> None:
    answer = await api.delete(business.path("/conversations"), headers=business.key())
    is_problem(answer, 405, "method_not_allowed")
    assert answer.headers["allow"] == "GET"


@pytest.mark.parametrize("sent", ["abc-123", "a" * 128, "urn:uuid:5f/x+y=._"])
async def test_request_ids_come_back(api: Api, business: Business, sent: str) -> None:
    for path in ("/api/v1/me", "/api/v1/nowhere", "/api/v1/docs"):
        answer = await api.get(path, headers=business.key(x_request_id=sent))
        assert answer.headers["x-request-id"] == sent


@pytest.mark.parametrize("sent", ["", "a" * 129, "a b", "<script>", "é"])
async def test_request_ids_that_are_none(api: Api, business: Business, sent: str) -> None:
    answer = await api.get("/api/v1/me", headers={**business.key(), b"X-Request-Id": sent.encode()})  # type: ignore[dict-item]
    assert answer.headers["x-request-id"] != sent
    assert len(answer.headers["x-request-id"]) == 36


async def test_headers_on_every_answer(api: Api, business: Business) -> None:
    for path in ("/api/v1/me", "/api/v1/nowhere", "/api/v1/openapi.json", business.path("/drafts?limit=0")):
        answer = await api.get(path, headers=business.key())
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["x-content-type-options"] == "nosniff"


async def test_the_database_is_away(rt: Runtime, open_api, business: Business, caplog) -> None:
    away = Database("postgresql://nobody@127.0.0.1:1/none", Keyring(("test-secret-test-secret",)))
    try:
        api = await open_api(replace(rt, db=away))
        answer = await api.get("/api/v1/me", headers=business.key())
    finally:
        await away.close()
    is_problem(answer, 503, "unavailable")
    assert int(answer.headers["retry-after"]) > 0
    assert "127.0.0.1" not in caplog.text
    assert answer.headers["x-request-id"] in caplog.text


async def test_a_mistake_of_ours(
    rt: Runtime, open_api, business: Business, customer: Customer, caplog
) -> None:
    def split(kind: str, words: str) -> list[str]:
        raise KeyError(words)

    class Broken:
        """A runtime whose channels cannot be opened."""

        def __getattr__(self, name: str) -> object:
            return split if name == "split" else getattr(rt, name)

    api = await open_api(Broken())
    with caplog.at_level(logging.INFO):
        answer = await api.post(
            customer.path + "/messages", headers=business.key(x_request_id="r-1"), json={"text": "Sesame"}
        )
    is_problem(answer, 500, "internal")
    assert "Sesame" not in answer.text
    assert "KeyError" not in answer.text
    assert "unhandled KeyError at test_problems.py" in caplog.text
    assert "r-1" in caplog.text
    assert "Sesame" not in caplog.text
    messages = await api.get(customer.path + "/messages?limit=200", headers=business.key())
    assert "Sesame" not in messages.text, "and nothing was changed"


async def test_an_answer_that_breaks_off_says_nothing(rt: Runtime) -> None:
    from admin_api.envelope import BrokenOff, Envelope

    async def broken(scope, receive, send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError("Sesame")

    client = Api(transport=httpx2.ASGITransport(Envelope(broken)), base_url="http://testserver")
    with pytest.raises(BrokenOff) as caught:
        await client.get("/")
    assert "Sesame" not in repr(caught.value)
    assert caught.value.__suppress_context__
    await client.aclose()


def test_every_code_is_told() -> None:
    """Codes of the error tree that a door can show are in the list that the docs page shows."""
    told = {
        errors.NotFound,
        errors.NotPermitted,
        errors.Unauthenticated,
        errors.Invalid,
        errors.Conflict,
        errors.TooMany,
    }
    assert {kind.code for kind in told} <= set(CODES)


async def test_mounted_elsewhere(rt: Runtime) -> None:
    app = Starlette(routes=[Mount("/somewhere", admin_api.app.create(rt))])
    client = Api(transport=httpx2.ASGITransport(app), base_url="http://testserver")
    assert (await client.get("/somewhere/me")).json()["type"] == "/somewhere/docs#unauthenticated"
    assert (await client.get("/somewhere/openapi.json")).json()["servers"] == [{"url": "/somewhere"}]
    await client.aclose()
