"""Somebody who has an account and signs in, over HTTP."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import httpx2

from store.db import new_id
from tests.admin_api.api_rig import Api

GOOD = "tres tristes tigres"
AUTH = "/api/v1/auth"


@dataclass
class Person:
    api: Api
    email: str
    password: str
    told: dict[str, Any]
    """The last answer that signed them in."""

    @property
    def headers(self) -> dict[str, str]:
        return bearer(self.told)

    @property
    def workspace(self) -> str:
        return str(self.told["workspaces"][0]["id"])

    def path(self, rest: str = "") -> str:
        return f"/api/v1/workspaces/{self.workspace}{rest}"

    async def get(self, rest: str = "", **more: Any) -> httpx2.Response:
        return await self.api.get(self.path(rest), headers=self.headers, **more)

    async def send(self, method: str, rest: str, body: Any = None, **headers: str) -> httpx2.Response:
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return await self.api.request(method, self.path(rest), headers=self.headers | more, json=body)

    async def me(self) -> httpx2.Response:
        return await self.api.get("/api/v1/me", headers=self.headers)

    async def invites(self, role: str, password: str = GOOD, name: str = "Iris Invited") -> Person:
        """Somebody new, who comes."""
        email = new_email()
        made = await self.send("POST", "/invitations", {"email": email, "role": role})
        assert made.status_code == 201, made.text
        body = {"token": made.json()["token"], "password": password, "name": name}
        came = await self.api.post(f"{AUTH}/invitations/accept", json=body)
        assert came.status_code == 201, came.text
        return Person(self.api, email, password, came.json())

    @property
    def person_id(self) -> str:
        return str(self.told["workspaces"][0]["person_id"])


def new_email() -> str:
    return f"olive-{new_id().hex}@example.com"


def bearer(told: dict[str, Any]) -> dict[str, str]:
    return {"Authorization": f"Bearer {told['access_token']}"}


def wish(email: str | None = None, **changes: Any) -> dict[str, Any]:
    basis = {
        "email": email or new_email(),
        "password": GOOD,
        "name": "Olive Owner",
        "workspace": {"name": "Cedar Dental", "timezone": "America/Chicago"},
    }
    return basis | changes


async def register(api: Api, **changes: Any) -> Person:
    body = wish(**changes)
    answer = await api.post(f"{AUTH}/register", json=body)
    assert answer.status_code == 201, answer.text
    return Person(api, body["email"], body["password"], answer.json())


async def login(api: Api, email: str, password: str = GOOD) -> httpx2.Response:
    return await api.post(f"{AUTH}/login", json={"email": email, "password": password})


async def refresh(api: Api, told: dict[str, Any]) -> httpx2.Response:
    return await api.post(f"{AUTH}/refresh", json={"refresh_token": told["refresh_token"]})
