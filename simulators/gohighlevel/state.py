"""What GoHighLevel knows: one location's contacts and notes, tokens, calls made, and the troubles that were ordered."""

from __future__ import annotations

import base64
import json
import random
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx2
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from starlette.responses import JSONResponse, Response

from simulators.common.simulation import Clock, utcnow
from simulators.common.troubled import Troubled

Json = dict[str, Any]
ROUTES = frozenset(
    {"contacts.upsert", "contacts.get", "contacts.update", "contacts.delete", "contacts.duplicate", "contacts.search",
     "tags.add", "tags.remove", "notes.list", "notes.add", "notes.put", "fields.list", "messages.create"}
)  # fmt: skip
CHANNELS = ("SMS", "WhatsApp", "Email", "Call")


@dataclass(frozen=True)
class Config:
    location: str = "ve9EPM428h8vShlRW1KT"
    token: str = "pit-simulated"  # noqa: S105  (of nobody)
    clock: Clock = utcnow
    seed: int = 1
    most: int = 100
    """Calls in so many seconds."""
    span_s: float = 10.0
    daily: int = 200_000


@dataclass
class Contact:
    id: str
    fields: Json = field(default_factory=dict)
    """Standard ones, by name."""
    custom: Json = field(default_factory=dict)
    """By key."""
    tags: list[str] = field(default_factory=list)
    dnd: Json = field(default_factory=dict)
    """channel → active, inactive or permanent."""
    notes: dict[str, str] = field(default_factory=dict)
    updated_at: datetime = field(default_factory=utcnow)


class Simulation(Troubled):
    def __init__(self, config: Config) -> None:
        super().__init__(config.seed, ROUTES, config.clock)
        self.config = config
        self.signer = Ed25519PrivateKey.generate()
        self.forget()

    def forget(self) -> None:
        """Everything but the key that signs."""
        self.tokens = {self.config.token}
        self.contacts: dict[str, Contact] = {}
        self.keys = {"budget": "cfBudget", "service": "cfService", "language": "cfLanguage", "plan": "cfPlan",
                     "status": "cfStatus"}  # fmt: skip
        """Custom fields: key → id."""
        self.most, self.span_s, self.daily_left = self.config.most, self.config.span_s, self.config.daily
        self.calls: deque[float] = deque()
        self.refused = 0
        """Calls that were too many."""
        self.hook_url = ""
        self.hook_times, self.hook_reorder, self.hook_lost = 1, False, False
        self.hooks: list[Json] = []
        self.waiting: list[Json] = []
        self.random = random.Random(self.config.seed)  # noqa: S311  (not for secrets)
        super().forget()

    def route(self, method: str, path: str) -> str:
        """As chaos rules name it."""
        parts = path.strip("/").split("/")
        if parts[0] == "locations":
            return "fields.list"
        if parts[1:] in (["upsert"], ["search"]):
            return f"contacts.{parts[1]}"
        if parts[-1] == "duplicate":
            return "contacts.duplicate"
        verb = {"GET": "list", "POST": "add", "PUT": "put", "DELETE": "remove"}[method]
        if len(parts) > 2:
            return f"{parts[2]}.{verb}"
        return f"contacts.{ {'GET': 'get', 'PUT': 'update', 'DELETE': 'delete'}.get(method, 'upsert') }"

    def refuse(self, status: int, code: int | None, headers: dict[str, str] | None) -> Response:
        known = {
            401: "Invalid JWT",
            403: "The token is not authorized for this scope.",
            429: "Too Many Requests",
        }
        return error(status, known.get(status, "Something went wrong"), headers)

    # --- contacts ---

    def shown(self, one: Contact) -> Json:
        names = [str(one.fields.get(part, "")) for part in ("firstName", "lastName")]
        return {
            "id": one.id, "locationId": self.config.location, **one.fields,
            "contactName": " ".join(names).strip(), "tags": list(one.tags),
            "customFields": [
                {"id": self.keys[key], "value": value} for key, value in one.custom.items() if key in self.keys
            ],
            "dnd": False,
            "dndSettings": {channel: {"status": status, "message": ""} for channel, status in one.dnd.items()},
            "dateUpdated": stamp(one.updated_at), "searchAfter": [int(one.updated_at.timestamp() * 1000), one.id],
        }  # fmt: skip

    def found(self, phone: str, email: str) -> Contact | None:
        """The first that fits: by e-mail, then by number."""
        for name, value in (("email", email.lower()), ("phone", phone)):
            for one in self.contacts.values():
                if value and one.fields.get(name) == value:
                    return one
        return None

    def put(self, one: Contact, body: Json) -> None:
        """As PUT and upsert do; what becomes of it is told by webhooks."""
        before = json.dumps([one.fields, one.custom], sort_keys=True), dict(one.dnd)
        for name, value in body.items():
            if name == "customFields":
                by_id = {number: key for key, number in self.keys.items()}
                for item in value:
                    key = by_id.get(item.get("id")) or str(item.get("key", "")).removeprefix("contact.")
                    given = item.get("field_value", item.get("value"))
                    one.custom.pop(key, None) if given in ("", None) else one.custom.update({key: given})
            elif name == "dndSettings":
                one.dnd |= {channel: said["status"] for channel, said in value.items()}
            elif name == "name":
                first, _, last = str(value).partition(" ")
                one.fields |= {"firstName": first, "lastName": last}
            elif name == "email":
                one.fields["email"] = str(value).lower()
            elif name not in ("locationId", "tags"):
                one.fields[name] = value
        self.touch(one)
        if before[1] != one.dnd:
            self.tell("ContactDndUpdate", one)
        if before[0] != json.dumps([one.fields, one.custom], sort_keys=True):
            self.tell("ContactUpdate", one)

    def touch(self, one: Contact) -> None:
        """Two changes never have the same time."""
        one.updated_at = max(self.now(), one.updated_at + timedelta(milliseconds=1))

    def new(self, body: Json) -> Contact:
        made = Contact(f"c{uuid4().hex[:19]}", updated_at=self.now() - timedelta(milliseconds=1))
        self.contacts[made.id] = made
        self.put(made, body)
        self.tell("ContactCreate", made)
        return made

    # --- what people there do ---

    def person_adds(self, tags: tuple[str, ...] = (), **fields: Any) -> Contact:
        """`custom_KEY=value` is a custom field."""
        made = self.new(_body(fields, self.keys))
        made.tags = [tag.lower() for tag in tags]
        return made

    def person_sets(self, contact_id: str, **fields: Any) -> None:
        self.put(self.contacts[contact_id], _body(fields, self.keys))

    def person_tags(self, contact_id: str, add: tuple[str, ...] = (), remove: tuple[str, ...] = ()) -> None:
        one = self.contacts[contact_id]
        kept = [tag for tag in one.tags if tag not in remove]
        one.tags = kept + [tag.lower() for tag in add if tag.lower() not in kept]
        self.touch(one)
        self.tell("ContactTagUpdate", one)

    def person_stops(self, contact_id: str, status: str = "active") -> None:
        self.put(self.contacts[contact_id], {"dndSettings": {"SMS": {"status": status}}})

    def person_deletes(self, contact_id: str) -> None:
        gone = self.contacts.pop(contact_id)
        self.tell("ContactDelete", gone)

    def revoke(self) -> None:
        self.tokens.clear()

    # --- webhooks ---

    def tell(self, kind: str, one: Contact) -> None:
        """It waits until somebody lets it out: `deliver`."""
        if not self.hook_url or self.hook_lost:
            return
        said = {
            "type": kind, "locationId": self.config.location, "id": one.id, "webhookId": str(uuid4()),
            "timestamp": stamp(self.now()), "tags": list(one.tags), **one.fields,
        }  # fmt: skip
        self.waiting += [said] * self.hook_times

    async def deliver(self) -> list[int]:
        """All that waits, as often and in the order that was ordered; what was answered."""
        due, self.waiting = self.waiting, []
        if self.hook_reorder:
            self.random.shuffle(due)
        return [await self.hook(one) for one in due]

    async def hook(self, said: Json, signature: str | None = None) -> int:
        """Signed, over the very bytes that are sent."""
        raw = json.dumps(said).encode()
        signed = self.sign(raw) if signature is None else signature
        headers = {"content-type": "application/json", "x-ghl-signature": signed}
        async with httpx2.AsyncClient(trust_env=False, timeout=10) as client:  # noqa: TID251  (a provider's own)
            reply = await client.post(self.hook_url, content=raw, headers=headers)
        self.hooks.append({"body": said, "status": reply.status_code})
        return reply.status_code

    def sign(self, raw: bytes) -> str:
        return base64.b64encode(self.signer.sign(raw)).decode()

    @property
    def public_key(self) -> str:
        der = self.signer.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        return base64.b64encode(der).decode()


def _body(fields: Json, keys: dict[str, str]) -> Json:
    """What a person types, as the API would take it."""
    custom = {
        name.removeprefix("custom_"): value for name, value in fields.items() if name.startswith("custom_")
    }
    plain = {name: value for name, value in fields.items() if not name.startswith("custom_")}
    return plain | {
        "customFields": [{"id": keys[key], "field_value": value} for key, value in custom.items()]
    }


def stamp(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def error(status: int, message: str, headers: dict[str, str] | None = None) -> Response:
    return JSONResponse({"statusCode": status, "message": message, "traceId": str(uuid4())}, status, headers)
