"""Whatever a request may speak of, made when it is first spoken of, over the API where that is possible."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import count
from typing import Any
from uuid import UUID

from admin_api import examples
from domain.portfolio import Account
from domain.turn import NoteGap, Turn, Understanding
from store import banks, portfolios
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, waits_for_call
from tests.admin_api.people_rig import Person, new_email
from tests.channels.test_whatsapp import new_number

Json = dict[str, Any]
BOOKING: Json = {
    "services": [{"name": "sailing lesson", "minutes": 60, "staff": ["Kim", "Lou"]}],
    "staff": [{"name": "Kim"}, {"name": "Lou"}],
}
MONEY: Json = {"approve_above": 100, "two_above": 1000, "cool_off": "0s", "per_transfer": 5000}
PAYMENT: Json = {"items": [{"name": "sailing exam", "amount": "80"}]}
SETTINGS: Json = {
    "hours": {"mon-sun": "08:00-17:00"},
    "skills": {"booking": BOOKING, "portfolio": {}, "money": MONEY, "payment": PAYMENT},
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
PATHS = {"waitlist_add": "/waitlist", "transfers_ask": "/transfers"}
_hours = count()


class Example:
    """The business has SETTINGS; `now` is its clock's."""

    def __init__(self, api: Api, business: Business, owner: Person, now: datetime) -> None:
        self.api, self.business, self.owner, self.now = api, business, owner, now
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
                return self._at(days=2 + next(_hours))
            case "in a month":
                return self._at(days=60)
            case "a minute ago":
                history = await self.get(f"/contexts/{await self('context_id')}/history")
                return str(history["items"][0]["at"])
            case "a week ago":
                return self._at(days=-7)
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
            case "feed_id":
                return str((await self.post("/calendar/feeds", {"staff": "Kim"}))["id"])
            case "entry_id" | "transfer_id":
                operation = {"entry_id": "waitlist_add", "transfer_id": "transfers_ask"}[place]
                (wish,) = examples.written(operation).values()
                return str((await self.post(PATHS[operation], await filled(self, wish), "agent"))["id"])
            case "document_id":
                return await self._send(
                    "/documents", "prices.md", b"# Prices\n\nA kayak costs $30 an hour.\n"
                )
            case "account":
                return await self._account()
            case "link_id":
                return await self("bank link")
            case "bank link":
                return await self._bank_link()
            case "callback_id":
                return str(await waits_for_call(self.business, self.now + timedelta(days=1)))
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

    async def _send(self, path: str, name: str, data: bytes) -> str:
        answer = await self.api.post(
            self.business.path(path), files={"file": (name, data)}, headers=self.business.key("owner")
        )
        assert answer.is_success, answer.text
        return str(answer.json()["id"])

    def _at(self, **later: int) -> str:
        return (self.now.replace(hour=18, minute=0, second=0, microsecond=0) + timedelta(**later)).isoformat()

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
