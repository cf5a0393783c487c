import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import Result

from runtime.settings import Settings
from simulators import llm, twilio
from store.embedded import EmbeddedPostgres
from tests.frontdesk.cli_rig import SECRET, Place

ROOT = Path(__file__).resolve().parents[2]
NUMBER = "+15125550199"


async def doctor(place: Place, **environ: str | None) -> tuple[int, dict[str, Any]]:
    """(exit code, finding by its check)"""
    ended = await asyncio.to_thread(lambda: place.run("doctor", "--json", **environ))
    told = json.loads(ended.stdout)
    assert ended.exit_code == told["failures"]
    return ended.exit_code, {one["check"]: one for one in told["checks"]}


async def clinic(place: Place) -> str:
    """The clinic, with its channel's id."""
    ended = await asyncio.to_thread(
        lambda: place.run("apply", str(ROOT / "demos/clinic.yaml"), "--root", str(ROOT))
    )
    assert ended.exit_code == 0, ended.output
    with psycopg.connect(place.owner_url) as connection:
        row = connection.execute("select id from channel").fetchone()
    assert row
    return str(row[0])


async def test_everything_in_order(place: Place, settings: Settings) -> None:
    channel = await clinic(place)
    async with twilio.serve(port=0) as provider:
        account = provider.state.config
        environ = {
            "TWILIO_ACCOUNT_SID": account.account_sid, "TWILIO_AUTH_TOKEN": account.auth_token,
            "FRONTDESK_TWILIO_URL": provider.url, "FRONTDESK_PUBLIC_URL": provider.url,
        }  # fmt: skip
        url = f"{provider.url}/channels/{channel}/messages"
        provider.state.add_number(account.account_sid, NUMBER, {"SmsUrl": url})
        failures, found = await doctor(place, **environ)
        name = f"clinic: twilio_sms {NUMBER}"
        assert found[name]["said"] == "credentials accepted by the simulator"
        assert found[f"{name} webhook"]["said"] == "points here"
        # a provider's simulator is not frontdesk, and says so
        assert (failures, found["public url"]["state"]) == (1, "wrong")
        assert (found["redis"]["state"], "polling" in found["redis"]["said"]) == ("note", True)
        for check in ("python", "data directory", "database", "schema", "database role", "vector", "clock",
                      "clinic: keys", "model", "turns", "deliveries", "timers", "attachments"):  # fmt: skip
            assert found[check]["state"] == "ok", found[check]

        _, found = await doctor(place, **environ | {"TWILIO_AUTH_TOKEN": "wrong"})
        assert "refuses the credentials (401)" in found[name]["said"]
        assert "wrong" not in found[name]["said"]
        _, found = await doctor(place, **environ | {"FRONTDESK_PUBLIC_URL": "http://127.0.0.1:1"})
        assert "nothing answers" in found["public url"]["said"]
        assert found[f"{name} webhook"]["todo"].endswith(f"http://127.0.0.1:1/channels/{channel}/messages")
    _, found = await doctor(place, **environ)
    assert "Twilio does not answer" in found[name]["said"]
    _, found = await doctor(place)
    assert "no credentials" in found[name]["said"]
    assert "is not https" in found["public url"]["said"]


async def test_what_waits_too_long_and_what_is_suspended(place: Place) -> None:
    channel = await clinic(place)
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute("update channel set state = 'suspended', state_reason = 'provider_code_20003'")
        connection.execute(
            "with c as (insert into contact (workspace_id, id) select id, gen_random_uuid() from workspace returning *)"
            ", v as (insert into conversation (workspace_id, id, contact_id, due_at)"
            " select workspace_id, gen_random_uuid(), id, now() - interval '1 hour' from c returning *)"
            " insert into timer (workspace_id, id, kind, conversation_id, fire_at)"
            " select workspace_id, gen_random_uuid(), 'pause_ends', id, now() - interval '1 day' from v"
        )
    _, found = await doctor(place)
    assert "suspended: provider_code_20003" in found[f"clinic: twilio_sms {NUMBER}"]["said"]
    assert "1 wait longer than 2 minutes" in found["turns"]["said"]
    assert "frontdesk scheduler" in found["timers"]["todo"]
    assert channel


async def test_what_is_wrong_with_the_database(place: Place, postgres: EmbeddedPostgres) -> None:
    await clinic(place)
    _, found = await doctor(place, DATABASE_URL=place.owner_url)
    assert "may bypass row-level security" in found["database role"]["said"]
    _, found = await doctor(place, FRONTDESK_SECRET_KEY="another-secret-another-secret")
    assert "do not open" in found["clinic: keys"]["said"]
    _, found = await doctor(place, FRONTDESK_SECRET_KEY=f"another-secret-another-secret,{SECRET}")
    assert found["clinic: keys"]["state"] == "ok"
    failures, found = await doctor(place, DATABASE_URL="postgresql://nobody@127.0.0.1:1/x")
    assert (failures, "does not answer" in found["database"]["said"]) == (1, True)
    with psycopg.connect(postgres.owner_url, autocommit=True) as connection:
        connection.execute(f"create database empty_{place.url.partition('place_')[2].partition('?')[0]}")
    _, found = await doctor(place, DATABASE_URL=place.url.replace("/place_", "/empty_"))
    assert found["schema"]["todo"] == "run frontdesk migrate"


async def test_an_embedder_without_its_key_and_with_a_wrong_one(place: Place) -> None:
    await clinic(place)
    wished, check = {"FRONTDESK_EMBEDDER": "openai:text-embedding-3-small"}, "embedder of documents"
    _, found = await doctor(place, **wished)
    assert "has no key; all-MiniLM-L6-v2 on this machine serves instead" in found[check]["said"]
    async with llm.serve(config=llm.Config(key="right")) as provider:
        wished["OPENAI_BASE_URL"] = f"{provider.url}/v1"
        _, found = await doctor(place, **wished, OPENAI_API_KEY="wrong")
        assert "refused with 401" in found[check]["said"]
        assert "wrong" not in found[check]["said"]
        _, found = await doctor(place, **wished, OPENAI_API_KEY="right")
        assert found[check]["state"] == "ok", found[check]
    _, found = await doctor(place)
    assert check not in found


async def test_settings_and_the_machine(place: Place) -> None:
    failures, found = await doctor(place, DATABASE_URL="")
    assert (failures, "DATABASE_URL is not set" in found["settings"]["said"]) == (1, True)
    _, found = await doctor(place, FRONTDESK_DATA_DIR=str(place.data_dir / "none"))
    assert found["data directory"]["state"] == "wrong"
    (place.data_dir / "secret.key").write_text(SECRET)
    (place.data_dir / "secret.key").chmod(0o644)
    _, found = await doctor(place)
    assert found["secret key"]["todo"].startswith("chmod 600")


async def test_lines_for_people(place: Place) -> None:
    ended = await asyncio.to_thread(lambda: place.run("doctor"))
    lines = ended.stdout.splitlines()
    assert lines[0].startswith("ok    python")
    assert any(line.startswith("note  redis") for line in lines)
    assert any(line.startswith("WRONG public url") and "→" in line for line in lines)


def create(place: Place, *more: str, email: str = "olive@example.com", role: str = "owner") -> Result:
    return place.run(
        "user", "create", "-w", "clinic", "--role", role, "--name", "Olive", "--email", email, *more
    )


def test_people_and_their_keys(place: Place) -> None:
    asyncio.run(clinic(place))
    first = json.loads(create(place, "--json").stdout)
    again = json.loads(create(place, "--json", "--key", role="admin").stdout)
    assert again["id"] == first["id"]
    assert again["key"].startswith("fd_")
    assert "key" not in first
    assert "shown this once" in create(place, "--key").stdout


@pytest.mark.parametrize(
    "arguments",
    [
        {"email": "olive"}, {"email": "a@b"}, {"email": "a b@c.d"}, {"role": "king"},
    ],
)  # fmt: skip
def test_people_that_cannot_be(place: Place, arguments: dict[str, str]) -> None:
    assert create(place, **arguments).exit_code == 2
    assert create(place).exit_code == 2  # there is no clinic


def test_the_chain_is_verified(make_place: Callable[[], Place]) -> None:
    place = make_place()
    asyncio.run(clinic(place))
    for n in range(3):
        create(place, email=f"a{n}@example.com")
    assert "4 entries, the chain is whole" in place.ok("audit", "verify").stdout
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute("update audit set actor = 'person:nobody' where n = 3")
    ended = place.run("audit", "verify", "--json")
    assert (ended.exit_code, "entry 3 does not fit" in ended.stdout) == (1, True)
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute("delete from audit where n = 2")
    assert "entry 3 does not fit" in place.run("audit", "verify", "-w", "clinic").stdout
    assert place.run("audit", "verify", "-w", "nobody").exit_code == 2


def test_the_locks(place: Place) -> None:
    asyncio.run(clinic(place))
    ended = place.run("audit", "security")
    assert (ended.exit_code, "WRONG clinic: owner" in ended.stdout) == (1, True), ended.output
    create(place, "--key")
    told = place.ok("audit", "security").stdout
    assert "forced on every table" in told
    assert "note  clinic: api keys" in told
    (place.data_dir / "up.json").write_text("{}")
    (place.data_dir / "up.json").chmod(0o640)
    with psycopg.connect(place.owner_url, autocommit=True) as connection:
        connection.execute("alter table message no force row level security")
        connection.execute("create table loose (id int)")
    told = place.run("audit", "security").stdout
    assert "not on loose, message" in told
    assert "WRONG up.json" in told
