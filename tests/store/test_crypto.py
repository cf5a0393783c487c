"""What is sealed stays shut: elsewhere, damaged, or without the secret; and nobody's name, number or words lie
in the database in the open."""

import asyncio
import base64
import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st
from psycopg import sql
from typer.testing import CliRunner

from frontdesk.cli import app
from runtime.settings import Settings
from store import audit, contacts, conversations, keys, people
from store.crypto import Keyring, SealedKey, Unreadable, Vault
from store.db import KEY_SETTLES, KEYS_KEPT_S, Database
from store.embedded import EmbeddedPostgres
from tests.rig import QUESTION, Desk

MakeDesk = Callable[..., Awaitable[Desk]]
Owner = psycopg.AsyncConnection[Any]
OLD, NEW = "an old secret of the installation", "a new secret of the installation"
ANY = st.text(st.characters(exclude_categories=["Cs"]))
COLUMN = "message.body"


def vault(workspace_id: UUID | None = None) -> Vault:
    ring, workspace_id = Keyring([OLD]), workspace_id or uuid4()
    return ring.vault(workspace_id, ring.new_keys(workspace_id))


# --- one value ---


@given(words=ANY)
def test_what_was_sealed_opens(words: str) -> None:
    ours = vault()
    assert ours.open(COLUMN, ours.seal(COLUMN, words)) == words


@given(data=st.binary(max_size=5000))
def test_bytes_too(data: bytes) -> None:
    ours = vault()
    assert ours.open_bytes(COLUMN, ours.seal_bytes(COLUMN, data)) == data


@given(words=ANY)
def test_the_same_words_never_look_the_same(words: str) -> None:
    ours = vault()
    assert ours.seal(COLUMN, words) != ours.seal(COLUMN, words)


@given(words=ANY, column=st.sampled_from(["message.bodY", "draft.body", "message.body ", ""]))
def test_moved_to_another_column_it_does_not_open(words: str, column: str) -> None:
    ours = vault()
    with pytest.raises(Unreadable):
        ours.open(column, ours.seal(COLUMN, words))


def test_moved_to_another_business_it_does_not_open_even_under_the_same_key() -> None:
    data, index = {1: b"k" * 32}, b"i" * 32
    ours, theirs = (Vault(uuid4(), data, index, 1) for _ in range(2))
    with pytest.raises(Unreadable):
        theirs.open(COLUMN, ours.seal(COLUMN, "words"))


@given(words=ANY, at=st.integers(0, 10_000), bit=st.integers(0, 7))
def test_one_flipped_bit_and_it_does_not_open(words: str, at: int, bit: int) -> None:
    ours = vault()
    sealed = bytearray(ours.seal(COLUMN, words))
    sealed[at % len(sealed)] ^= 1 << bit
    with pytest.raises(Unreadable):
        ours.open(COLUMN, bytes(sealed))


@given(words=ANY, length=st.integers(0, 10_000))
def test_cut_short_it_does_not_open(words: str, length: int) -> None:
    ours = vault()
    sealed = ours.seal(COLUMN, words)
    with pytest.raises(Unreadable):
        ours.open(COLUMN, sealed[: length % len(sealed)])


@given(rubbish=st.binary(max_size=80))
def test_rubbish_does_not_open(rubbish: bytes) -> None:
    with pytest.raises(Unreadable):
        vault().open_bytes(COLUMN, rubbish)


@given(value=ANY, other=ANY)
def test_a_hash_finds_equal_values_of_one_business_and_one_kind_only(value: str, other: str) -> None:
    ours, theirs = vault(), vault()
    assert ours.hash("tel", value) == ours.hash("tel", value)
    assert (ours.hash("tel", value) == ours.hash("tel", other)) == (value == other)
    assert ours.hash("tel", value) != ours.hash("email", value)
    assert ours.hash("tel", value) != theirs.hash("tel", value)


def test_half_a_surrogate_pair_is_stored_as_a_question_mark() -> None:
    ours = vault()
    assert ours.open(COLUMN, ours.seal(COLUMN, "a\ud83db")) == "a?b"


# --- secrets ---


def test_the_new_secret_opens_what_the_old_one_sealed_and_after_resealing_the_old_one_can_go() -> None:
    workspace_id = uuid4()
    sealed = Keyring([OLD]).new_keys(workspace_id)
    words = Keyring([OLD]).vault(workspace_id, sealed).seal(COLUMN, "words")
    with pytest.raises(Unreadable, match="sealed by a secret that is not in FRONTDESK_SECRET_KEY"):
        Keyring([NEW]).vault(workspace_id, sealed)
    both = Keyring([NEW, OLD])
    assert both.vault(workspace_id, sealed).open(COLUMN, words) == "words"
    resealed = [key for key in (both.reseal(workspace_id, key) for key in sealed) if key]
    assert len(resealed) == 2
    assert Keyring([NEW]).vault(workspace_id, resealed).open(COLUMN, words) == "words"
    assert [both.reseal(workspace_id, key) for key in resealed] == [None, None]
    with pytest.raises(Unreadable):
        Keyring([OLD]).vault(workspace_id, resealed)


def test_a_business_cannot_be_given_anothers_keys() -> None:
    ring = Keyring([OLD])
    with pytest.raises(Unreadable):
        ring.vault(uuid4(), ring.new_keys(uuid4()))


def test_a_key_that_has_not_settled_opens_and_does_not_seal() -> None:
    ring, workspace_id = Keyring([OLD]), uuid4()
    first = ring.new_keys(workspace_id)
    third = ring.new_key(workspace_id, 3, "data")
    young = ring.vault(workspace_id, [*first, replace(third, settled=False)])
    settled = ring.vault(workspace_id, [*first, third])
    assert young.seal(COLUMN, "words")[:2] == b"\0\1"
    assert settled.seal(COLUMN, "words")[:2] == b"\0\3"
    assert young.open(COLUMN, settled.seal(COLUMN, "words")) == "words"


@pytest.mark.parametrize("secrets", [(), ("",), ("good enough secret", "")])
def test_no_secret_no_start(secrets: tuple[str, ...]) -> None:
    with pytest.raises(ValueError, match="FRONTDESK_SECRET_KEY"):
        Keyring(secrets)


@pytest.mark.parametrize("thing", [Keyring([OLD])._masters[0], SealedKey(1, "data", b"x", "y")])
def test_no_key_in_a_traceback(thing: object) -> None:
    assert OLD not in repr(thing)
    assert "_key" not in repr(thing)


# --- rotation, in the database ---


async def rotated(desk: Desk) -> None:
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        await keys.rotate(tx, desk.rt.db.keyring, "system")


async def test_after_a_new_data_key_everything_old_opens_and_new_words_are_sealed_with_it(desk: Desk) -> None:
    await desk.text("before")
    await rotated(desk)
    await desk.text("at once")
    desk.wait(seconds=KEY_SETTLES.total_seconds())
    desk.rt.db.forget_keys(desk.workspace_id)
    await desk.text("later")
    rows = await desk.rows("select body from message where direction = 'in' order by seq")
    assert [int.from_bytes(bytes(row.body)[:2], "big") for row in rows] == [1, 1, 3]
    assert (await desk.said("contact")) == ["before", "at once", "later"]
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        assert await audit.verify(tx) is None
        assert [row.verb for row in await desk.rows("select verb from audit")] == ["keys_rotated"]


async def test_a_process_that_has_not_heard_of_the_new_key_reads_what_it_sealed(desk: Desk) -> None:
    """It reads the keys again long before anybody seals with a new one."""
    assert KEY_SETTLES.total_seconds() > KEYS_KEPT_S * 2
    other = Database(desk.rt.settings.database_url, desk.rt.db.keyring, clock=desk.stage.clock)
    await desk.text("hello")
    async with other.transaction(desk.workspace_id) as tx:
        before = tx.vault
    await rotated(desk)
    desk.rt.db.forget_keys(desk.workspace_id)
    await desk.text("sealed by whoever knows the new key")
    found = await desk.conversation()
    async with other.transaction(desk.workspace_id) as tx:
        assert tx.vault is before
        said = await conversations.messages(tx, found.id, None, 10)
    assert said[-1].text == "sealed by whoever knows the new key"
    await other.close()


async def test_the_index_key_stays_so_that_customers_are_found_again(desk: Desk) -> None:
    await desk.text("hello")
    await rotated(desk)
    desk.rt.db.forget_keys(desk.workspace_id)
    await desk.text("it is me")
    assert len(await desk.rows("select id from contact")) == 1


async def test_resealing_under_a_new_secret_and_taking_the_old_one_away(desk: Desk) -> None:
    await desk.text("before")
    (old,) = desk.rt.settings.secrets
    found = await desk.conversation()
    url = desk.rt.settings.database_url
    both, new_only = Database(url, Keyring([NEW, old])), Database(url, Keyring([NEW]))
    with pytest.raises(Unreadable):
        async with new_only.transaction(desk.workspace_id):
            raise AssertionError
    for expected in (2, 0):
        async with both.transaction(desk.workspace_id) as tx:
            assert await keys.reseal(tx, both.keyring) == expected
    async with new_only.transaction(desk.workspace_id) as tx:
        assert [one.text for one in await conversations.messages(tx, found.id, None, 10)] == ["before"]
    back = Keyring([old, NEW])  # for the tests that know the first secret only
    async with both.transaction(desk.workspace_id) as tx:
        assert await keys.reseal(tx, back) == 2
    await both.close()
    await new_only.close()


# --- the command ---


@pytest.fixture
def environment(settings: Settings, postgres: EmbeddedPostgres) -> dict[str, str]:
    return {
        "DATABASE_URL": postgres.url,
        "FRONTDESK_SECRET_KEY": ",".join(settings.secrets),
        "FRONTDESK_DATA_DIR": str(settings.data_dir),
    }


async def run(environment: dict[str, str], *arguments: str) -> Any:
    """In a thread of its own: a command has its own event loop."""
    return await asyncio.to_thread(CliRunner().invoke, app, ["key", *arguments], env=environment)


async def test_the_command_rotates_every_business_and_says_how_many(
    make_desk: MakeDesk, environment: dict[str, str]
) -> None:
    desks = [await make_desk(), await make_desk()]
    for desk in desks:
        await desk.text("before")
    result = await run(environment, "rotate", "--json")
    assert result.exit_code == 0, result.output
    told = json.loads(result.output)
    assert told["workspaces"] == told["added"] >= 2
    assert told["resealed"] == 0
    for desk in desks:
        desk.rt.db.forget_keys(desk.workspace_id)
        assert await desk.said("contact") == ["before"]
        assert [
            row.id for row in await desk.rows("select id from data_key where purpose = 'data' order by id")
        ] == [1, 3]


@pytest.mark.parametrize("role", ["owner", "admin", "agent", "viewer"])
async def test_the_command_makes_a_key_that_opens_for_its_role(
    desk: Desk, environment: dict[str, str], role: str
) -> None:
    result = await run(
        environment, "create", "-w", str(desk.workspace_id), "--name", "website", "--role", role
    )
    assert result.exit_code == 0, result.output
    read = people.read_key(result.output.strip())
    assert read is not None
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        caller = await people.caller(tx, *read)
        assert await people.caller(tx, read[0], read[1] + "x") is None
    assert caller is not None
    assert caller.role == role
    (row,) = await desk.rows("select secret_hash, name from api_key")
    assert read[1].encode() not in bytes(row.secret_hash)


async def test_the_command_without_a_database_says_so(environment: dict[str, str]) -> None:
    result = await run(environment | {"DATABASE_URL": "postgresql://frontdesk@127.0.0.1:9/none"}, "rotate")
    assert result.exit_code == 4
    assert "does not answer" in result.stderr


async def test_the_command_with_a_wrong_secret_says_so(desk: Desk, environment: dict[str, str]) -> None:
    wrong = environment | {"FRONTDESK_SECRET_KEY": "another secret than the one"}
    result = await run(wrong, "create", "-w", str(desk.workspace_id), "--name", "x")
    assert result.exit_code == 2
    assert "FRONTDESK_SECRET_KEY" in result.stderr


# --- nothing in the open ---


async def everything(owner: Owner, desk: Desk) -> list[tuple[str, str]]:
    """(table, row as text) of every row of this business in every table; bytes as hexadecimal digits."""
    names = await (
        await owner.execute("select tablename from pg_tables where schemaname = 'public' order by 1")
    ).fetchall()
    rows = []
    for (name,) in names:
        query = sql.SQL("select t::text from {} t where t::text like %s").format(sql.Identifier(name))
        found = await owner.execute(query, (f"%{desk.workspace_id}%",))
        rows += [(str(name), str(row[0])) for row in await found.fetchall()]
    return rows


def disguises(canary: str) -> set[str]:
    """The canary as it may lie in a row: plain, in hexadecimal, in base64 at each of the three offsets."""
    raw = canary.encode()
    found = {canary, raw.hex(), json.dumps(canary)[1:-1]}
    for offset in range(3):
        whole = base64.b64encode(b"\0" * offset + raw).decode()
        found.add(whole[4 if offset else 0 : len(whole) - 4])
    return found


async def test_a_canary_would_be_seen(desk: Desk, owner: Owner) -> None:
    """The search finds what is in the open, in each disguise."""
    for disguised in ("kanarienvogel-7", base64.b64encode(b"x kanarienvogel-7 y").decode()):
        async with owner.transaction(force_rollback=True):
            await owner.execute(
                "update channel set state_reason = %s where id = %s", (disguised, desk.channel_id)
            )
            assert _seen(await everything(owner, desk), "kanarienvogel-7")
    async with owner.transaction(force_rollback=True):
        await owner.execute("update channel set credentials = %s", (b"..kanarienvogel-7..",))
        assert _seen(await everything(owner, desk), "kanarienvogel-7")


def _seen(rows: list[tuple[str, str]], canary: str) -> set[str]:
    return {table for table, row in rows if any(disguise in row for disguise in disguises(canary))}


async def test_no_name_number_or_word_of_a_customer_lies_in_the_open(
    make_desk: MakeDesk, owner: Owner
) -> None:
    desk = await make_desk(policy={"default": "draft"})
    words = (
        "Ich heiße Zacharias-Quirinus",
        "my card is 4929 1111 kolibri",
        "please stop texting me, wiedehopf-9",
    )
    await desk.text(
        f"{QUESTION} {words[0]}", media=[{"content_type": "image/png", "data_base64": "iVBORw0KGgo="}]
    )
    await desk.settle()
    await desk.person_writes("The answer is pirol-3")
    await desk.settle()
    desk.trouble({"kind": "fail_with", "code": 30007, "count": 1})
    await desk.text(words[1])
    await desk.settle()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        contact = (await conversations.get(tx, (await desk.conversation()).id)).contact_id
        await contacts.rename(tx, contact, "Zacharias-Quirinus Wendehals")
    await desk.text(words[2])
    await desk.settle()
    rows = await everything(owner, desk)
    assert len({table for table, _ in rows}) > 15
    token = desk.credentials["auth_token"]
    canaries = ("Zacharias-Quirinus", "Wendehals", "4929 1111", "kolibri", "wiedehopf-9", "pirol-3", desk.handset,
                desk.handset.removeprefix("+1"), "Olive Owner", "olive@example.com", token)  # fmt: skip
    assert {canary: _seen(rows, canary) for canary in canaries} == {canary: set() for canary in canaries}
