"""Registering, signing in, refreshing, signing out, passwords: what is right, what is wrong, and what two hands do."""

import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx2
import jwt
import psycopg
import pytest
from psycopg import sql
from starlette.applications import Starlette
from starlette.routing import Mount

import admin_api.app
from runtime.passwords import Passwords
from runtime.runtime import Runtime
from store.db import new_id
from tests.admin_api.api_rig import Api, Business, is_problem, together
from tests.admin_api.people_rig import AUTH, GOOD, Person, bearer, login, new_email, refresh, register, wish

Owner = psycopg.AsyncConnection[Any]


@pytest.fixture
async def olive(api: Api) -> Person:
    return await register(api)


# --- register ---


async def test_a_new_owner_is_signed_in(api: Api, olive: Person) -> None:
    assert olive.told["token_type"] == "Bearer"
    assert olive.told["expires_in"] == 900
    me = (await olive.me()).json()
    assert me["account"] == {"id": olive.told["account_id"], "email": olive.email}
    assert (me["role"], me["key_id"], me["scopes"]) == ("owner", None, ["*"])
    assert me["workspace"]["name"] == "Cedar Dental"
    assert me["workspace"]["person_name"] == "Olive Owner"
    assert (await olive.get("/conversations")).json() == {"items": [], "next_cursor": None}
    assert (await api.get("/api/v1/workspaces", headers=olive.headers)).json()["items"][0]["role"] == "owner"


@pytest.mark.parametrize(
    ("changes", "code", "pointers"),
    [
        ({"email": "nobody"}, "invalid", ["/email"]),
        ({"email": "a b@example.com"}, "invalid", ["/email"]),
        ({"email": f"{'a' * 250}@example.com"}, "invalid", ["/email"]),
        ({"password": "tiny"}, "weak_password", ["/password"]),
        ({"password": "Password123!"}, "weak_password", ["/password"]),
        ({"password": "1234567890"}, "weak_password", ["/password"]),
        ({"password": "20212022202"}, "weak_password", ["/password"]),
        ({"password": "cedardental1"}, "weak_password", ["/password"]),
        ({"password": "a" * 300}, "weak_password", ["/password"]),
        ({"password": "a" * 2000}, "invalid", ["/password"]),
        ({"name": "\u200b"}, "invalid", ["/name"]),
        ({"name": "two\nlines"}, "invalid", ["/name"]),
        ({"workspace": {"name": "Cedar", "timezone": "Texas"}}, "invalid", ["/workspace/timezone"]),
        ({"workspace": {"name": "Cedar", "slug": "No Slug"}}, "invalid", ["/workspace/slug"]),
        ({"workspace": {"name": ""}}, "invalid", ["/workspace/name"]),
        ({"admin": True}, "invalid", ["/admin"]),
    ],
)
async def test_what_is_not_accepted(
    api: Api, changes: dict[str, Any], code: str, pointers: list[str]
) -> None:
    said = is_problem(await api.post(f"{AUTH}/register", json=wish(**changes)), 422, code, *pointers)
    assert GOOD not in str(said)
    assert str(changes.get("password", "nothing")) not in str(said)


@pytest.mark.parametrize(
    "password", ["tres tristes tigres", "  spaces  at the ends  ", "пароль из слов", "🌵🎺🦜🧶🛶🪗🫐🧭🎡🪁"]
)
async def test_all_of_unicode_may_be_a_password(api: Api, password: str) -> None:
    olive = await register(api, password=password)
    assert (await login(api, olive.email, password)).status_code == 200
    is_problem(await login(api, olive.email, password.strip() + "x"), 401, "invalid_credentials")


async def test_an_address_has_one_account(api: Api, olive: Person) -> None:
    for email in (olive.email, olive.email.upper(), f" {olive.email} "):
        is_problem(await api.post(f"{AUTH}/register", json=wish(email)), 409, "email_taken", "/email")


async def test_two_at_once_make_one_account(api: Api) -> None:
    email = new_email()
    answers = await together(*(api.post(f"{AUTH}/register", json=wish(email)) for _ in range(4)))
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


async def test_the_same_request_with_the_same_key_is_one_account(api: Api) -> None:
    body, headers = wish(), {"Idempotency-Key": str(new_id())}
    first, again = [await api.post(f"{AUTH}/register", json=body, headers=headers) for _ in range(2)]
    assert (first.status_code, again.status_code) == (201, 201)
    assert again.headers["idempotency-replayed"] == "true"
    assert first.json()["workspaces"] == again.json()["workspaces"]
    assert first.json()["refresh_token"] != again.json()["refresh_token"]
    wrong = body | {"password": "something else entirely"}
    is_problem(await api.post(f"{AUTH}/register", json=wrong, headers=headers), 409, "email_taken", "/email")


async def test_a_slug_is_taken_or_found(api: Api) -> None:
    slug = f"cedar-{new_id().hex}"
    first = await register(api, workspace={"name": "Cedar", "slug": slug})
    assert first.told["workspaces"][0]["slug"] == slug
    again = wish(workspace={"name": "Cedar", "slug": slug})
    is_problem(await api.post(f"{AUTH}/register", json=again), 409, "slug_taken", "/workspace/slug")
    name = f"Zahnärzte “Nord” {new_id().hex}"
    two = [(await register(api, workspace={"name": name})).told["workspaces"][0]["slug"] for _ in range(2)]
    assert two[0].startswith("zahnarzte-nord-")
    assert two[1].startswith(two[0][:40])
    assert two[0] != two[1]


async def test_registration_can_be_closed(rt: Runtime, open_api: Callable[..., Awaitable[Api]]) -> None:
    closed = await open_api(replace(rt, settings=replace(rt.settings, registration=False)))
    is_problem(await closed.post(f"{AUTH}/register", json=wish()), 403, "registration_closed")


# --- sign in ---


async def test_with_the_right_password(api: Api, olive: Person) -> None:
    for email in (olive.email, olive.email.upper(), f"  {olive.email}"):
        assert (await login(api, email)).json()["workspaces"] == olive.told["workspaces"]


@pytest.mark.parametrize("email", ["known", "unknown@example.com", "not an address", "😀@example.com"])
async def test_wrong_unknown_and_nonsense_look_the_same(
    rt: Runtime, open_api: Callable[..., Awaitable[Api]], api: Api, olive: Person, email: str
) -> None:
    """And cost the same: the password is checked, whether or not there is one."""
    passwords = Passwords()
    app = Starlette(
        routes=[Mount("/api/v1", admin_api.app.create(rt, per_minute=1_000, passwords=passwords))]
    )
    async with Api(transport=httpx2.ASGITransport(app), base_url="http://testserver") as here:
        answer = await login(here, olive.email if email == "known" else email, "not the password")
    said = is_problem(answer, 401, "invalid_credentials")
    assert said["detail"] == "the e-mail address or the password is wrong"
    assert passwords.verified == 1


async def test_who_guesses_is_stopped_and_learns_nothing(api: Api, olive: Person) -> None:
    """Ten from one place; whether there is such an account, and whether the eleventh is right, makes no difference."""
    for email in (olive.email, new_email()):
        answers = [await login(api, email, f"guess {n} of many") for n in range(10)]
        assert {answer.status_code for answer in answers} == {401}
        stopped = await login(api, email)
        is_problem(stopped, 429, "too_many_requests")
        assert 1 <= int(stopped.headers["retry-after"]) <= 900
    assert (await olive.me()).status_code == 200
    assert (await refresh(api, olive.told)).status_code == 200


async def test_who_knows_the_password_is_not_counted(api: Api, olive: Person) -> None:
    for _ in range(12):
        assert (await login(api, olive.email)).status_code == 200


async def test_every_sign_in_is_limited_by_address(
    rt: Runtime, open_api: Callable[..., Awaitable[Api]]
) -> None:
    narrow = await open_api(rt, per_minute=3)
    answers = [await login(narrow, new_email()) for _ in range(4)]
    assert [answer.status_code for answer in answers] == [401, 401, 401, 429]
    assert answers[0].headers["ratelimit-limit"] == "3"


# --- access tokens ---


@pytest.mark.parametrize(
    "forged", ["none", "another key", "another audience", "no session", "cut", "as key", "version"]
)
async def test_forged_tokens(api: Api, rt: Runtime, olive: Person, forged: str) -> None:
    token = olive.told["access_token"]
    claims = jwt.decode(token, options={"verify_signature": False})
    name, key = next(iter(rt.db.keyring.derived("access token").items()))
    head = {"kid": name}
    made = {
        "none": jwt.encode(claims, "", "none", head),
        "another key": jwt.encode(claims, b"x" * 32, "HS256", head),
        "another audience": jwt.encode(claims | {"aud": "else"}, key, "HS256", head),
        "no session": jwt.encode(claims | {"sid": str(new_id())}, key, "HS256", head),
        "cut": token[:-2],
        "as key": token.replace(".", "_"),
        "version": jwt.encode(claims | {"ver": 0}, key, "HS256", head),
    }[forged]
    answer = await api.get("/api/v1/me", headers={"Authorization": f"Bearer {made}"})
    is_problem(answer, 401, "unauthenticated")


async def test_a_token_lasts_a_quarter_of_an_hour(api: Api, rt: Runtime, olive: Person) -> None:
    claims = jwt.decode(olive.told["access_token"], options={"verify_signature": False})
    assert 800 < claims["exp"] - time.time() <= 901
    name, key = next(iter(rt.db.keyring.derived("access token").items()))
    old = jwt.encode(claims | {"exp": int(time.time()) - 1}, key, "HS256", {"kid": name})
    is_problem(await api.get("/api/v1/me", headers={"Authorization": f"Bearer {old}"}), 401, "token_expired")
    assert GOOD not in str(claims)
    assert olive.email not in str(claims)


async def test_another_workspace_is_not_there(api: Api, olive: Person, business: Business) -> None:
    for ws in (business.id, business.slug, new_id(), "no-such"):
        answer = await api.get(f"/api/v1/workspaces/{ws}/conversations", headers=olive.headers)
        is_problem(answer, 404, "not_found")


# --- refresh ---


async def test_each_refresh_token_is_good_once(api: Api, olive: Person) -> None:
    second = (await refresh(api, olive.told)).json()
    third = (await refresh(api, second)).json()
    assert len({olive.told["refresh_token"], second["refresh_token"], third["refresh_token"]}) == 3
    assert (await api.get("/api/v1/me", headers=bearer(third))).status_code == 200


async def test_an_answer_that_was_lost_is_given_again(api: Api, olive: Person) -> None:
    first, again = await refresh(api, olive.told), await refresh(api, olive.told)
    assert first.json()["refresh_token"] == again.json()["refresh_token"]
    assert (await refresh(api, again.json())).status_code == 200


async def test_two_at_once_get_the_same(api: Api, olive: Person) -> None:
    answers = await together(*(refresh(api, olive.told) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["refresh_token"] for answer in answers}) == 1


async def test_a_token_in_two_hands_ends_the_sign_in(api: Api, olive: Person) -> None:
    """The thief has used it, and its successor was used: whoever comes with the old one ends everything."""
    thief = (await refresh(api, olive.told)).json()
    thief = (await refresh(api, thief)).json()
    elsewhere = (await login(api, olive.email)).json()
    is_problem(await refresh(api, olive.told), 401, "token_reused")
    is_problem(await refresh(api, thief), 401, "unauthenticated")
    is_problem(await api.get("/api/v1/me", headers=bearer(thief)), 401, "unauthenticated")
    assert (await api.get("/api/v1/me", headers=bearer(elsewhere))).status_code == 200


async def test_later_than_ten_seconds_is_a_reuse(api: Api, olive: Person, owner: Owner) -> None:
    successor = (await refresh(api, olive.told)).json()
    await owner.execute(
        "update refresh_token set used_at = used_at - interval '11 seconds' where used_at is not null"
    )
    is_problem(await refresh(api, olive.told), 401, "token_reused")
    is_problem(await refresh(api, successor), 401, "unauthenticated")


async def test_a_session_ends_when_nobody_comes(api: Api, olive: Person, owner: Owner) -> None:
    assert datetime.fromisoformat(olive.told["refresh_expires_at"]) - datetime.now(UTC) > timedelta(days=29)
    await owner.execute(
        "update session set expires_at = now() where account_id = %s", (olive.told["account_id"],)
    )
    is_problem(await refresh(api, olive.told), 401, "unauthenticated")
    is_problem(await olive.me(), 401, "unauthenticated")


@pytest.mark.parametrize("token", ["x", "fdr_nonsense", "фыва", "a" * 500])
async def test_refresh_tokens_that_are_none(api: Api, token: str) -> None:
    is_problem(await api.post(f"{AUTH}/refresh", json={"refresh_token": token}), 401, "unauthenticated")


# --- sign out ---


@pytest.mark.parametrize("way", ["header", "body", "old"])
async def test_signed_out_is_out(api: Api, olive: Person, way: str) -> None:
    first, elsewhere = olive.told, (await login(api, olive.email)).json()
    newest = (await refresh(api, first)).json()
    told = {"header": None, "body": newest["refresh_token"], "old": first["refresh_token"]}[way]
    answer = await api.post(
        f"{AUTH}/logout",
        headers=bearer(newest) if told is None else {},
        json={"refresh_token": told} if told else None,
    )
    assert (answer.status_code, answer.content) == (204, b"")
    for dead in (first, newest):
        is_problem(await api.get("/api/v1/me", headers=bearer(dead)), 401, "unauthenticated")
    is_problem(await refresh(api, newest), 401, "unauthenticated")
    assert (await api.get("/api/v1/me", headers=bearer(elsewhere))).status_code == 200


async def test_who_is_not_signed_in_cannot_sign_out(api: Api, business: Business) -> None:
    is_problem(await api.post(f"{AUTH}/logout"), 401, "unauthenticated")
    is_problem(await api.post(f"{AUTH}/logout", headers=business.key()), 403, "not_permitted")
    unknown = await api.post(f"{AUTH}/logout", json={"refresh_token": "fdr_unknown"})
    assert unknown.status_code == 204


# --- the password ---


async def test_a_new_password_ends_what_the_old_one_opened(api: Api, olive: Person) -> None:
    elsewhere = (await login(api, olive.email)).json()
    body = {"current_password": GOOD, "new_password": "cuatro tristes trigos"}
    changed = await api.post(f"{AUTH}/password", headers=olive.headers, json=body)
    assert changed.status_code == 200, changed.text
    for dead in (olive.told, elsewhere):
        is_problem(await api.get("/api/v1/me", headers=bearer(dead)), 401, "unauthenticated")
        is_problem(await refresh(api, dead), 401, "unauthenticated")
    assert (await api.get("/api/v1/me", headers=bearer(changed.json()))).status_code == 200
    is_problem(await login(api, olive.email), 401, "invalid_credentials")
    assert (await login(api, olive.email, "cuatro tristes trigos")).status_code == 200


async def test_a_password_that_does_not_change(api: Api, olive: Person, business: Business) -> None:
    async def change(headers: dict[str, str], current: str, new: str) -> httpx2.Response:
        body = {"current_password": current, "new_password": new}
        return await api.post(f"{AUTH}/password", headers=headers, json=body)

    is_problem(
        await change(olive.headers, "wrong", "cuatro tristes trigos"),
        422,
        "wrong_password",
        "/current_password",
    )
    is_problem(await change(olive.headers, GOOD, "short"), 422, "weak_password", "/new_password")
    is_problem(await change(business.key("owner"), GOOD, "cuatro tristes trigos"), 403, "not_permitted")
    assert (await olive.me()).status_code == 200


# --- what is kept ---


async def test_neither_password_nor_token_nor_address_is_kept_or_logged(
    api: Api, owner: Owner, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        olive = await register(api)
        await login(api, olive.email, "something wrong")
        told = (await refresh(api, olive.told)).json()
        await refresh(api, told)
        await refresh(api, olive.told)
    secrets = [
        GOOD,
        olive.email,
        olive.told["access_token"],
        olive.told["refresh_token"],
        told["refresh_token"],
    ]
    assert [secret for secret in secrets if secret in caplog.text] == []
    kept = ""
    for table in ("account", "session", "refresh_token", "person"):
        query = sql.SQL("select t::text from {} t").format(sql.Identifier(table))
        kept += str(await (await owner.execute(query)).fetchall())
    assert [secret for secret in secrets if secret in kept or secret.encode().hex() in kept] == []
    row = await (await owner.execute("select password from account limit 1")).fetchone()
    assert row is not None
    assert row[0].startswith("$argon2id$")
