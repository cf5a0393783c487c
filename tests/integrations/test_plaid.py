"""Plaid's wire against its simulator: what is asked, what a trouble is called, and which webhooks are believed."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from domain.errors import BadSignature
from integrations.plaid import Plaid, PlaidFailed
from runtime.http import open_client
from simulators.plaid import BankAccount, Running, serve

NOW = datetime.now(UTC)
BODY = b'{"webhook_type": "LINK", "webhook_code": "SESSION_FINISHED"}'


@pytest.fixture
async def running() -> AsyncIterator[Running]:
    async with serve() as found:
        yield found


@pytest.fixture
async def plaid(running: Running) -> AsyncIterator[Plaid]:
    config = running.state.config
    async with open_client() as http:
        yield Plaid(http, running.url, config.client_id, config.secret)


async def linked(plaid: Plaid, running: Running, *accounts: BankAccount) -> str:
    """The token of an item whose client has chosen."""
    link = await plaid.link("user-1", "Lakeline Wealth", "en", f"{running.url}/sim/nowhere")
    assert await plaid.finished(link.token) == ""
    await running.state.choose(link.token, "First Platypus Bank", *accounts)
    public = await plaid.finished(link.token)
    return (await plaid.exchange(public)).access_token


async def test_from_link_to_processor(plaid: Plaid, running: Running) -> None:
    token = await linked(plaid, running, BankAccount("0000", "savings"))
    bank, (account,) = await plaid.accounts(token)
    assert (bank, account.mask, account.type) == ("First Platypus Bank", "0000", "savings")
    assert (await plaid.processor_token(token, account.id)).startswith("processor-")
    await plaid.remove(token)
    await plaid.remove(token)  # what is there no longer is removed
    with pytest.raises(PlaidFailed) as failed:
        await plaid.accounts(token)
    assert (failed.value.code, failed.value.passes) == ("invalid_access_token", False)


async def test_a_public_token_is_good_once(plaid: Plaid, running: Running) -> None:
    link = await plaid.link("user-1", "Lakeline", "en", f"{running.url}/sim/nowhere")
    await running.state.choose(link.token)
    public = await plaid.finished(link.token)
    await plaid.exchange(public)
    with pytest.raises(PlaidFailed, match="INVALID_PUBLIC_TOKEN"):
        await plaid.exchange(public)


@pytest.mark.parametrize(
    ("rule", "code", "passes"),
    [
        ({"kind": "status", "status": 500}, "internal_server_error", True),
        ({"kind": "status", "status": 429}, "rate_limit_exceeded", True),
        ({"kind": "html_error"}, "unreachable", True),
        ({"kind": "bad_json"}, "unreadable", True),
        ({"kind": "drop_before"}, "unreachable", True),
        ({"kind": "drop_after"}, "unreachable", True),
        ({"kind": "unauthorized"}, "invalid_api_keys", False),
    ],
)
async def test_a_trouble_has_a_name_and_is_asked_once(
    plaid: Plaid, running: Running, rule: dict[str, Any], code: str, passes: bool
) -> None:
    running.state.chaos.load([{"route": "link/token/create", **rule}])
    with pytest.raises(PlaidFailed) as failed:
        await plaid.link("user-1", "Lakeline", "en", "http://nowhere")
    assert (failed.value.code, failed.value.passes) == (code, passes)
    assert running.state.asked == ["link/token/create"]


async def test_keys_and_tokens_stand_in_no_message(plaid: Plaid, running: Running) -> None:
    token = await linked(plaid, running)
    item = running.state.items[token]
    item.login_required = True
    with pytest.raises(PlaidFailed) as failed:
        await plaid.accounts(token)
    assert failed.value.code == "item_login_required"
    assert token not in str(failed.value) + repr(failed.value)


async def test_a_signed_webhook_is_believed_and_its_key_asked_for_once(
    plaid: Plaid, running: Running
) -> None:
    for _ in range(3):
        signed = running.state.headers(BODY, NOW)["plaid-verification"]
        assert (await plaid.verify(signed, BODY, NOW))["webhook_code"] == "SESSION_FINISHED"
    assert running.state.asked == ["webhook_verification_key/get"]


def _forged(running: Running) -> list[tuple[str, str, bytes]]:
    right, other = (
        running.state.headers(BODY, NOW)["plaid-verification"],
        ec.generate_private_key(ec.SECP256R1()),
    )
    claims, kid = jwt.decode(right, options={"verify_signature": False}), {"kid": running.state.key_id}
    timeless = {"request_body_sha256": claims["request_body_sha256"]}
    return [
        ("another body", right, BODY + b" "),
        ("too old", running.state.headers(BODY, NOW - timedelta(minutes=6))["plaid-verification"], BODY),
        (
            "from the future",
            running.state.headers(BODY, NOW + timedelta(minutes=6))["plaid-verification"],
            BODY,
        ),
        ("another key", jwt.encode(claims, other, "ES256", headers=kid), BODY),
        (
            "a key id that nobody has",
            running.state.headers(BODY, NOW, "deadbeef")["plaid-verification"],
            BODY,
        ),
        ("no algorithm", jwt.encode(claims, None, "none", headers=kid), BODY),
        ("another algorithm", jwt.encode(claims, "x" * 64, "HS256", headers=kid), BODY),
        ("no time", jwt.encode(timeless, running.state.key, "ES256", headers=kid), BODY),
        ("nothing", "", BODY),
        ("half", right[:40], BODY),
    ]


async def test_what_is_not_signed_is_refused(plaid: Plaid, running: Running) -> None:
    believed = []
    for name, signature, body in _forged(running):
        try:
            await plaid.verify(signature, body, NOW)
        except BadSignature:
            continue
        believed.append(name)
    assert believed == []


async def test_while_the_key_cannot_be_had_nobody_knows(plaid: Plaid, running: Running) -> None:
    running.state.chaos.load([{"kind": "status", "status": 500, "route": "webhook_verification_key/get"}])
    with pytest.raises(PlaidFailed):
        await plaid.verify(running.state.headers(BODY, NOW)["plaid-verification"], BODY, NOW)
