"""Listings over the API: a file comes in, every row of it told, and what came is there to look at."""

import json
from typing import Any

import httpx2
import pytest

from tests.admin_api.api_rig import Api, Business, is_problem, moment
from tests.listings_rig import record


@pytest.fixture
async def broker(open_business: Any) -> Business:
    made: Business = await open_business()
    return made


async def send(api: Api, broker: Business, data: bytes, name: str = "homes.json") -> httpx2.Response:
    files = {"file": (name, data, "application/octet-stream")}
    return await api.post(broker.path("/listings/import"), files=files, headers=broker.key("admin"))


async def test_a_file_comes_in_and_is_there(api: Api, broker: Business, other: Business) -> None:
    homes = [
        record(),
        record(ListingKey="K2", StandardStatus="Closed"),
        record(ListingKey="K3", BedroomsTotal="x"),
    ]
    answer = await send(api, broker, json.dumps(homes).encode())
    assert answer.status_code == 200, answer.text
    told = answer.json()
    assert {name: told[name] for name in ("rows", "new", "changed", "same", "older")} == {
        "rows": 3, "new": 2, "changed": 0, "same": 0, "older": 0,
    }  # fmt: skip
    assert [(one["line"], "BedroomsTotal" in one["why"]) for one in told["bad"]] == [(3, True)]
    assert (await send(api, broker, json.dumps(homes).encode())).json()["same"] == 2
    key = broker.key("viewer")
    page = (await api.get(broker.path("/listings"), params={"limit": 1}, headers=key)).json()
    rest = await api.get(broker.path("/listings"), params={"cursor": page["next_cursor"]}, headers=key)
    assert {page["items"][0]["key"], *(one["key"] for one in rest.json()["items"])} == {"K1", "K2"}
    sold = await api.get(broker.path("/listings"), params={"status": "sold"}, headers=key)
    assert [one["key"] for one in sold.json()["items"]] == ["K2"]
    one = (await api.get(broker.path("/listings/K1"), headers=key)).json()
    assert (one["price"], one["baths"], one["features"]) == ("450000", "2.5", ["pool", "garage"])
    assert moment(one["modified_at"])
    is_problem(await api.get(other.path("/listings/K1"), headers=other.key()), 404, "not_found")


@pytest.mark.parametrize(
    ("data", "name"),
    [(b"a,b\n1,2\n", "a.csv"), (b"\xff\xfe\xff", "a.json"), (b"[1, 2", "a.json"), (b"", "a.csv")],
)
async def test_what_is_no_such_file(api: Api, broker: Business, data: bytes, name: str) -> None:
    is_problem(await send(api, broker, data, name), 422, "invalid", "/file")


async def test_who_may(api: Api, broker: Business) -> None:
    files = {"file": ("a.json", b"[]", "application/json")}
    answer = await api.post(broker.path("/listings/import"), files=files, headers=broker.key("agent"))
    is_problem(answer, 403, "not_permitted")
    is_problem(
        await api.post(broker.path("/listings/import"), json=[], headers=broker.key("admin")),
        422,
        "invalid",
        "/file",
    )
