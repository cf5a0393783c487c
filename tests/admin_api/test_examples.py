"""Every example of the OpenAPI document, sent: it is taken as the document says. Whatever takes JSON shows one."""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

import pytest

from admin_api import examples
from domain.portfolio import Account
from domain.turn import NoteGap, Turn, Understanding
from frontdesk.stories.stage import Stage
from store import banks, portfolios
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, hire
from tests.admin_api.people_rig import Person, new_email, register
from tests.channels.test_whatsapp import new_number, open_shop
from tests.rig import NOW

Json = dict[str, Any]
BOOKING: Json = {
    "services": [{"name": "sailing lesson", "minutes": 60, "staff": ["Kim", "Lou"]}],
    "staff": [{"name": "Kim"}, {"name": "Lou"}],
}
MONEY: Json = {"approve_above": 100, "two_above": 1000, "cool_off": "0s", "per_transfer": 5000}
SETTINGS: Json = {
    "hours": {"mon-sun": "08:00-17:00"},
    "skills": {"booking": BOOKING, "portfolio": {}, "money": MONEY},
}
TRIP: Json = {
    "name": "trip",
    "fields": [{"name": "guests", "type": "integer", "extract": True}],
    "workflow": {
        "initial": "asked",
        "statuses": ["asked", "planned"],
        "transitions": [{"from": "asked", "to": "planned"}],
    },
}
HOOK: Json = {"events": ["draft.*"]}
_hours = count()


class Example:
    """What one example speaks of, made when it is first spoken of."""

    def __init__(self, api: Api, business: Business, owner: Person) -> None:
        self.api, self.business, self.owner = api, business, owner
        self.known: dict[str, str] = {}

    async def __call__(self, place: str) -> str:
        if place not in self.known:
            self.known[place] = await self._make(place)
        return self.known[place]

    async def _make(self, place: str) -> str:
        match place:
            case "ws":
                return str(self.business.id)
            case "slug":
                return self.business.slug
            case "new email":
                return new_email()
            case "email":
                return self.owner.email
            case "password":
                return self.owner.password
            case "refresh token":
                return str(self.owner.told["refresh_token"])
            case "invitation token":
                return str((await self.post("/invitations", {"email": new_email()}))["token"])
            case "new number":
                return new_number()
            case "new url":
                return f"https://example.com/{new_id().hex}"
            case "free time":
                return (NOW + timedelta(days=2 + next(_hours), hours=2)).isoformat()
            case "in a month":
                return (NOW + timedelta(days=60)).isoformat()
            case "a minute ago":
                history = await self.get(f"/contexts/{await self('context_id')}/history")
                return str(history["items"][0]["at"])
            case "a week ago":
                return (NOW - timedelta(days=7)).isoformat()
            case "history entry":
                history = await self.get(f"/contexts/{await self('context_id')}/history")
                return str(history["items"][-1]["id"])
            case "contact":
                return await self._customer()
            case "contact_id" | "other contact":
                body = {"name": "Bo", "addresses": [{"scheme": "tel", "value": new_number()}]}
                return str((await self.post("/contacts", body))["id"])
            case "address":
                contact = await self.get(f"/contacts/{await self('contact_id')}")
                return str(contact["addresses"][0]["id"])
            case "conversation" | "conversation_id":
                return str((await self.business.customer()).conversation_id)
            case "context_id":
                for name in ("trip", "claim"):
                    await self.post("/schemas", TRIP | {"name": name})
                talk = await self("conversation_id")
                for guests in (2, 3):
                    await self.patch(f"/contexts/{talk}", {"fields": {"guests": guests}})
                return talk
            case "schema_id":
                return str((await self.post("/schemas", TRIP | {"name": f"t{new_id().hex[-8:]}"}))["id"])
            case "rule_id":
                rule = {"name": new_id().hex, "on": "handoff", "then": [{"add_tag": "a"}]}
                return str((await self.post("/rules", rule))["id"])
            case "webhook_id":
                hook = HOOK | {"url": f"https://example.com/{new_id().hex}"}
                return str((await self.post("/webhooks", hook))["id"])
            case "channel_id":
                channel = {"kind": "twilio_sms", "address": new_number(),
                           "credentials": {"account_sid": f"AC{'0' * 32}", "auth_token": "a"}}  # fmt: skip
                return str((await self.post("/channels", channel))["id"])
            case "person_id":
                return str(self.business.persons["viewer"])
            case "draft_id":
                return str(await (await self.business.customer()).draft())
            case "appointment_id":
                wish = {"service": "sailing lesson", "start": await self("free time")}
                del self.known["free time"]
                return str(
                    (await self.post("/appointments", wish | {"contact_id": await self("contact")}))["id"]
                )
            case "account":
                return await self._account()
            case "bank link":
                return await self._bank_link()
            case "gap_id":
                return await self._gap()
        raise KeyError(f"say here where {place!r} comes from")

    async def _customer(self) -> str:
        """Somebody who wrote, so that they can be written to."""
        number = (await self.business.customer()).number
        return str((await self.get("/contacts", address=number))["items"][0]["id"])

    async def _account(self) -> str:
        account = Account(new_id(), "Brokerage", "0007", "USD", Decimal(4000), (), "alpaca", new_id().hex)
        async with self.business.rt.db.transaction(self.business.id) as tx:
            return str(await portfolios.put(tx, UUID(await self("contact")), account))

    async def _bank_link(self) -> str:
        (body,) = examples.written("bank-links_enter").values()
        link = (await self.post("/bank-links", await filled(self, body), "agent"))["id"]
        await self.post(f"/bank-links/{link}/vouch", who="admin")
        async with self.business.rt.db.transaction(self.business.id) as tx:
            mine = await banks.take(tx, UUID(link))
            await banks.set_(tx, mine, banks.BankState.READY, None, known={"relationship": "r1"})
        return str(link)

    async def _gap(self) -> str:
        def think(turn: Turn) -> Turn:
            understood = Understanding("unknown", 0.1, "en")
            return Turn(turn.conversation, turn.profile, turn.burst, turn.now, understood=understood).doing(
                NoteGap("Is there a moon?", "en")
            )

        await (await self.business.customer()).is_answered(think)
        return str((await self.get("/knowledge/gaps"))["items"][0]["id"])

    async def post(self, path: str, body: Json | None = None, who: str = "owner") -> Json:
        return await self._ask("POST", path, who, body or {})

    async def patch(self, path: str, body: Json) -> Json:
        return await self._ask("PATCH", path, "owner", body)

    async def get(self, path: str, **params: str) -> Json:
        return await self._ask("GET", path, "owner", None, **params)

    async def _ask(self, method: str, path: str, who: str, body: Json | None, **params: str) -> Json:
        answer = await self.api.request(
            method, self.business.path(path), json=body, params=params, headers=self.business.key(who)
        )
        assert answer.is_success, answer.text
        return dict(answer.json())


async def filled(example: Example, body: Any) -> Any:
    return examples.filled(body, {place: await example(place) for place in sorted(examples.places(body))})


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
    example = Example(its_api, marina, await register(its_api))
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
