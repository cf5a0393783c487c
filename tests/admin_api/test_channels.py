"""Channels over HTTP: opened, changed, disabled, and put to the test at the real adapter's provider on loopback."""

from typing import Any

import httpx2
import pytest
from starlette.applications import Starlette
from starlette.routing import Mount

import admin_api.app
from frontdesk.stories.stage import Stage
from store.db import new_id
from tests.admin_api.api_rig import Api, is_problem
from tests.admin_api.people_rig import Person, register
from tests.rig import Desk

SECRET = "very-secret-token"
TWILIO = {"kind": "twilio_sms", "credentials": {"account_sid": "AC" + "1" * 32, "auth_token": SECRET}}
META = {
    "kind": "meta_whatsapp",
    "credentials": {"phone_number_id": "1", "access_token": SECRET, "app_secret": "s", "verify_token": "v"},
}


@pytest.fixture
async def olive(api: Api) -> Person:
    return await register(api)


def number() -> str:
    return f"+1512555{new_id().int % 10_000:04}"


async def opened(olive: Person, wish: dict[str, Any]) -> dict[str, Any]:
    answer = await olive.send("POST", "/channels", wish)
    assert answer.status_code == 201, answer.text
    told: dict[str, Any] = answer.json()
    return told


@pytest.mark.parametrize(
    ("wish", "webhooks"),
    [
        (TWILIO | {"address": "+15125550101"}, {"messages", "status"}),
        ({"kind": "twilio_whatsapp", "address": "+15125550102"}, {"messages", "status"}),
        (META | {"address": "+15125550103"}, {"callback_url"}),
        ({"kind": "webchat", "origins": ["https://example.com"]}, {"script"}),
    ],
)
async def test_opened_and_found_again(olive: Person, wish: dict[str, Any], webhooks: set[str]) -> None:
    made = await opened(olive, wish)
    assert (made["kind"], made["state"], made["credentials"]) == (
        wish["kind"], "active", sorted(wish.get("credentials", {})),
    )  # fmt: skip
    assert set(made["webhooks"]) == webhooks
    assert all(made["id"] in one for one in made["webhooks"].values())
    assert (await olive.get(f"/channels/{made['id']}")).json() == made
    assert (await olive.get("/channels")).json()["items"] == [made]
    assert SECRET not in (await olive.get("/channels")).text
    is_problem(await olive.send("POST", "/channels", wish), 409, "channel_exists", "/address")


@pytest.mark.parametrize(
    ("wish", "pointer", "said"),
    [
        ({"kind": "pigeon", "address": "+15125550100"}, "/kind", "twilio_sms"),
        ({"kind": "twilio_sms"}, "/address", "+15125550199"),
        ({"kind": "twilio_sms", "address": "+1"}, "/address", "not a telephone number"),
        ({"kind": "twilio_sms", "address": "+15125550100", "origin": []}, "/origin", ""),
        ({"kind": "twilio_sms", "address": "+15125550100", "per_second": 0}, "/per_second", "greater than 0"),
        (
            TWILIO | {"address": "+15125550100", "credentials": {"account_sid": "AC1"}},
            "/credentials/auth_token",
            "missing",
        ),
        (
            META | {"address": "+15125550100", "credentials": {"token": "x"}},
            "/credentials/token",
            "phone_number_id",
        ),
    ],
)
async def test_what_is_not_a_channel(olive: Person, wish: dict[str, Any], pointer: str, said: str) -> None:
    answer = await olive.send("POST", "/channels", wish)
    assert answer.status_code == 422, answer.text
    first = answer.json()["errors"][0]
    assert first["pointer"] == pointer
    assert said in first["detail"]
    assert (await olive.get("/channels")).json()["items"] == []


async def test_changed_by_who_has_read_it(olive: Person) -> None:
    made = await opened(olive, TWILIO | {"address": "+15125550104"})
    path, tag = f"/channels/{made['id']}", (await olive.get(f"/channels/{made['id']}")).headers["etag"]
    changed = await olive.send(
        "PATCH", path, {"debounce": "5s", "credentials": {"auth_token": "new"}}, if_match=tag
    )
    assert (changed.json()["debounce"], changed.json()["credentials"]) == (
        "5s",
        ["account_sid", "auth_token"],
    )
    is_problem(await olive.send("PATCH", path, {"debounce": "6s"}, if_match=tag), 412, "stale_version")
    off = await olive.send("PATCH", path, {"state": "suspended"})
    assert (off.json()["state"], off.json()["state_reason"]) == ("suspended", "by_person")
    assert (await olive.send("PATCH", path, {"state": "active"})).json()["state"] == "active"
    is_problem(await olive.send("PATCH", path, {"address": "+15125550105"}), 422, "invalid", "/address")
    is_problem(
        await olive.send("PATCH", path, {"credentials": {"auth_token": None}}),
        422,
        "invalid",
        "/credentials/auth_token",
    )
    gone = await olive.send("PATCH", path, {"credentials": {"auth_token": None, "account_sid": None}})
    assert gone.json()["credentials"] == []
    same = await olive.send("PATCH", path, {"debounce": "5s"})
    assert same.headers["etag"] == gone.headers["etag"]


async def test_somebody_elses_channel_is_not_there(api: Api, olive: Person) -> None:
    theirs = await opened(await register(api), {"kind": "webchat"})
    for method, rest in (("GET", ""), ("PATCH", ""), ("POST", "/test")):
        answer = await olive.send(method, f"/channels/{theirs['id']}{rest}", {} if method != "GET" else None)
        is_problem(answer, 404, "not_found")


# --- put to the test ---


@pytest.fixture
async def stage_api(stage: Stage) -> Any:
    """The API over the stage's runtime, whose providers are on loopback."""
    app = Starlette(routes=[Mount("/api/v1", admin_api.app.create(stage.rt, per_minute=1_000_000))])
    async with Api(transport=httpx2.ASGITransport(app), base_url="http://testserver") as client:
        yield client


async def findings(olive: Person, wish: dict[str, Any]) -> tuple[bool, list[tuple[str, str, str]]]:
    made = await opened(olive, wish)
    told = (await olive.send("POST", f"/channels/{made['id']}/test")).json()
    return told["works"], [(one["state"], one["said"], one["todo"]) for one in told["findings"]]


async def test_twilio_is_asked(desk: Desk, stage_api: Api, stage: Stage) -> None:
    olive = await register(stage_api)
    config, address = stage.provider.state.config, number()
    right = {"account_sid": config.account_sid, "auth_token": config.auth_token}
    made = await opened(olive, {"kind": "twilio_sms", "address": address, "credentials": right})

    async def told() -> list[tuple[str, str]]:
        answer = (await olive.send("POST", f"/channels/{made['id']}/test")).json()
        assert answer["works"] is all(one["state"] != "wrong" for one in answer["findings"])
        return [(one["state"], one["said"]) for one in answer["findings"]]

    assert await told() == [
        ("ok", "credentials accepted by the simulator"), ("wrong", "the account does not own this number"),
    ]  # fmt: skip
    stage.provider.state.add_number(config.account_sid, address, {"SmsUrl": "https://elsewhere.example/sms"})
    assert (await told())[1] == ("wrong", "points to elsewhere.example")
    await olive.send("PATCH", f"/channels/{made['id']}", {"credentials": {"auth_token": "wrong"}})
    assert await told() == [("wrong", "Twilio refuses the credentials (401)")]
    await olive.send("PATCH", f"/channels/{made['id']}", {"state": "suspended"})
    assert await told() == [("wrong", "suspended: by_person")]


async def test_meta_is_asked(desk: Desk, stage_api: Api, stage: Stage) -> None:
    olive = await register(stage_api)
    there = stage.meta.state.add_number("+15125550177")
    right = {
        "phone_number_id": there.phone_number_id, "access_token": there.access_token,
        "app_secret": there.app_secret, "verify_token": there.verify_token,
    }  # fmt: skip
    wish = {"kind": "meta_whatsapp", "address": "+15125550177", "credentials": right}
    _, told = await findings(olive, wish)
    assert told[0][:2] == ("ok", "access token and phone number accepted by Meta")
    assert "https" in told[1][1]
    _, told = await findings(olive, wish | {"address": "+15125550178"})
    assert "another number" in told[0][1]
    wrong = right | {"access_token": "wrong"}
    _, told = await findings(olive, wish | {"address": "+15125550179", "credentials": wrong})
    assert told[0][1] == "Meta refuses the access token"
    unknown = right | {"phone_number_id": "999"}
    _, told = await findings(olive, wish | {"address": "+15125550180", "credentials": unknown})
    assert "does not know this phone_number_id" in told[0][1]


@pytest.mark.parametrize(
    ("origins", "works", "states"),
    [
        ([], False, ["note", "wrong"]),
        (["https://example.com", "https://*.example.com"], False, ["ok", "ok", "wrong"]),
        (["https://example.com/shop"], False, ["wrong", "wrong"]),
        (["example.com"], False, ["wrong", "wrong"]),
        (["*", "http://example.com"], False, ["note", "note", "wrong"]),
    ],
)
async def test_origins_are_looked_at(
    olive: Person, origins: list[str], works: bool, states: list[str]
) -> None:
    """Ours is http://testserver here, which no page that is served by https may load: the last finding."""
    found, told = await findings(olive, {"kind": "webchat", "origins": origins})
    assert (found, [state for state, _, _ in told]) == (works, states)


async def test_without_credentials(olive: Person) -> None:
    works, told = await findings(olive, {"kind": "twilio_sms", "address": number()})
    assert (works, told[0][1]) == (False, "no credentials: nothing can be sent or verified")
