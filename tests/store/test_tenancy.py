"""No business sees another's rows, whatever the code above forgets: the catalogue says so, and the rows do."""

from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest
from psycopg import sql
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from store.embedded import EmbeddedPostgres
from tests.rig import QUESTION, Desk

MakeDesk = Callable[..., Awaitable[Desk]]
Owner = psycopg.AsyncConnection[Any]
OTHERS = {"alembic_version", "installation"}
"""Of the database itself: no business, no person is in them."""
ACCOUNTS = {"account", "account_key", "session", "refresh_token"}
"""Of those who sign in, who may be in several businesses: a role of its own sees them, and nothing else does."""
KEYED_HASHES = {("visitor", "key")}
"""Bytes that the dispatcher may see: they find something and say nothing."""
HISTORY = ("consent", "inbound_receipt", "delivery_event", "context_value", "audit", "event")
PERMISSION_DENIED, ROW_SECURITY = "42501", "42501"

TABLES = """
select c.relname as name, c.relrowsecurity as enabled, c.relforcerowsecurity as forced, p.qual, p.with_check
from pg_class c left join pg_policies p on p.schemaname = 'public' and p.tablename = c.relname
  and p.permissive = 'PERMISSIVE' and p.roles && array['frontdesk_app', 'public']::name[]
where c.relkind in ('r', 'p') and c.relnamespace = 'public'::regnamespace order by 1
"""
FOREIGN_KEYS = """
select conrelid::regclass::text as source, confrelid::regclass::text as target,
  (select array_agg(a.attname::text order by k.n) from unnest(conkey) with ordinality k(num, n)
   join pg_attribute a on a.attrelid = conrelid and a.attnum = k.num) as columns
from pg_constraint where contype = 'f' and connamespace = 'public'::regnamespace
"""


async def problems(owner: Owner) -> list[str]:
    """One sentence a table that is open, or a reference that could cross from one business to another."""
    found = []
    for name, enabled, forced, qual, check in await (await owner.execute(TABLES)).fetchall():
        column = "id" if name == "workspace" else "workspace_id"
        rule = f"({column} = frontdesk_workspace())"
        if name not in OTHERS | ACCOUNTS and not (enabled and forced and qual == rule and check == rule):
            found.append(f"{name}: enabled={enabled} forced={forced} using {qual} with check {check}")
    for source, target, columns in await (await owner.execute(FOREIGN_KEYS)).fetchall():
        if (
            not {source, target} <= ACCOUNTS
            and target != "workspace"
            and (len(columns) < 2 or columns[0] != "workspace_id")
        ):
            found.append(f"{source}{columns} → {target} may cross")
    return found


async def tables(owner: Owner) -> list[str]:
    return [
        row[0] for row in await (await owner.execute(TABLES)).fetchall() if row[0] not in OTHERS | ACCOUNTS
    ]


# --- what the catalogue says ---


async def test_every_table_belongs_to_a_workspace_and_keeps_to_it(owner: Owner) -> None:
    assert await problems(owner) == []
    assert len(await tables(owner)) > 20


@pytest.mark.parametrize(
    "statement",
    [
        "create table bad (workspace_id uuid not null, id uuid primary key)",
        "alter table message disable row level security",
        "alter table message no force row level security",
        "drop policy one_workspace on contact",
        "create policy open on contact to frontdesk_app using (true)",
        "create policy open on contact using (true)",
        "create table bad (workspace_id uuid references workspace, message uuid references channel (id));"
        "alter table bad enable row level security; alter table bad force row level security;"
        "create policy p on bad to frontdesk_app using (workspace_id = frontdesk_workspace())"
        " with check (workspace_id = frontdesk_workspace())",
    ],
    ids=[
        "new table",
        "disabled",
        "not forced",
        "no policy",
        "a second, open policy",
        "one for everybody",
        "single reference",
    ],
)
async def test_a_hole_would_be_seen(owner: Owner, statement: str) -> None:
    async with owner.transaction(force_rollback=True):
        await owner.execute(statement)  # type: ignore[arg-type]
        assert len(await problems(owner)) == 1
    assert await problems(owner) == []


async def test_no_role_that_works_may_pass_by(owner: Owner) -> None:
    roles = await (
        await owner.execute(
            "select rolname, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication from pg_roles"
            " where rolname like 'frontdesk%' order by 1"
        )
    ).fetchall()
    assert {row[0] for row in roles} >= {"frontdesk", "frontdesk_app", "frontdesk_dispatch"}
    assert [row for row in roles if any(row[1:])] == []


async def test_the_roles_that_work_own_nothing(owner: Owner) -> None:
    owned = await owner.execute(
        "select c.relname from pg_class c join pg_roles r on r.oid = c.relowner where r.rolname like 'frontdesk%'"
    )
    assert await owned.fetchall() == []


async def test_no_function_runs_with_its_owners_rights(owner: Owner) -> None:
    rows = await owner.execute(
        "select proname from pg_proc where pronamespace = 'public'::regnamespace and prosecdef"
    )
    assert await rows.fetchall() == []


@pytest.mark.parametrize("table", sorted(OTHERS))
async def test_what_belongs_to_nobody_is_only_read(owner: Owner, table: str) -> None:
    for verb in ("INSERT", "UPDATE", "DELETE", "TRUNCATE"):
        row = await owner.execute("select has_table_privilege('frontdesk_app', %s, %s)", (table, verb))
        assert (verb, await row.fetchone()) == (verb, (False,))


@pytest.mark.parametrize("table", sorted(ACCOUNTS))
async def test_accounts_are_seen_by_their_own_role_only(owner: Owner, table: str) -> None:
    row = await (
        await owner.execute(
            "select relrowsecurity, relforcerowsecurity from pg_class where relname = %s", (table,)
        )
    ).fetchone()
    assert row == (True, True)
    policies = await owner.execute("select roles::text[] from pg_policies where tablename = %s", (table,))
    assert await policies.fetchall() == [(["frontdesk_accounts"],)]
    for role in ("frontdesk_app", "frontdesk_dispatch", "frontdesk_eraser", "frontdesk"):
        for verb in ("SELECT", "INSERT", "UPDATE", "DELETE"):
            held = (
                await owner.execute("select has_any_column_privilege(%s, %s, %s)", (role, table, verb))
                if (verb != "DELETE")
                else await owner.execute("select has_table_privilege(%s, %s, %s)", (role, table, verb))
            )
            assert (role, verb, await held.fetchone()) == (role, verb, (False,))


async def test_who_signs_people_in_sees_ids_and_roles_of_a_business_and_no_more(owner: Owner) -> None:
    rows = await owner.execute(
        "select c.table_name, array_agg(c.column_name::text order by 1) from information_schema.columns c"
        " where c.table_schema = 'public' and has_column_privilege('frontdesk_accounts', c.table_name::regclass,"
        " c.column_name, 'SELECT') group by 1"
    )
    seen = {table: set(columns) for table, columns in await rows.fetchall() if table not in ACCOUNTS}
    assert seen == {
        "person": {"workspace_id", "id", "account_id", "role", "state"},
        "workspace": {"id", "slug", "state"},
    }


@pytest.mark.parametrize("table", HISTORY)
@pytest.mark.parametrize("verb", ["UPDATE", "DELETE", "TRUNCATE"])
async def test_history_is_only_added_to(owner: Owner, table: str, verb: str) -> None:
    row = await (
        await owner.execute("select has_table_privilege('frontdesk_app', %s, %s)", (table, verb))
    ).fetchone()
    assert row == (False,)


@pytest.mark.parametrize("table", HISTORY)
async def test_who_tries_to_change_history_is_refused(desk: Desk, table: str) -> None:
    for statement in (f"update {table} set workspace_id = workspace_id", f"delete from {table}"):  # noqa: S608
        with pytest.raises(DBAPIError) as refused:
            await desk.rows(statement)
        assert sqlstate(refused) == PERMISSION_DENIED


def sqlstate(refused: pytest.ExceptionInfo[DBAPIError]) -> str | None:
    return getattr(refused.value.orig, "sqlstate", None)


# --- what the rows say ---


@pytest.fixture
async def full(make_desk: MakeDesk) -> Desk:
    """A business with something in nearly every table."""
    desk = await make_desk(policy={"default": "draft"}, knowledge=["demos/clinic/first-visit.md"])
    await desk.text(QUESTION, media=[{"content_type": "image/png", "data_base64": "iVBORw0KGgo="}])
    await desk.settle()
    await desk.person_writes("Olive here")
    await desk.settle()
    await desk.text("STOP")
    await desk.settle()
    return desk


async def test_a_transaction_in_one_business_sees_nothing_of_another(
    full: Desk, make_desk: MakeDesk, owner: Owner
) -> None:
    other = await make_desk()
    held = {}
    for name in await tables(owner):
        column = sql.Identifier("id" if name == "workspace" else "workspace_id")
        query = sql.SQL("select count(*) from {} where {} = %s").format(sql.Identifier(name), column)
        row = await (await owner.execute(query, (full.workspace_id,))).fetchone()
        held[name] = row[0] if row else 0
        seen = await other.rows(
            f"select count(*) as n from {name} where {column.as_string()} = :theirs",  # noqa: S608
            theirs=full.workspace_id,
        )
        assert (name, seen[0].n) == (name, 0)
    filled = {name for name, count in held.items() if count}
    assert filled >= {
        "workspace", "data_key", "person", "channel", "contact", "contact_address", "consent", "inbound_receipt",
        "conversation", "thread", "turn", "draft", "message", "delivery", "delivery_attempt", "delivery_event",
        "attachment", "timer", "audit", "document", "passage",
    }  # fmt: skip


async def test_rows_of_another_business_cannot_be_changed_or_taken(full: Desk, make_desk: MakeDesk) -> None:
    other = await make_desk()
    for table in ("contact", "conversation", "message", "delivery", "draft", "channel", "person", "data_key"):
        for change in ("workspace_id = :mine", "id = id"):
            statement = f"update {table} set {change} where workspace_id = :theirs returning id"  # noqa: S608
            rows = await other.rows(statement, mine=other.workspace_id, theirs=full.workspace_id)
            assert (table, rows) == (table, [])


@pytest.mark.parametrize("table", ["contact", "conversation", "audit"])
async def test_rows_cannot_be_put_into_another_business(full: Desk, make_desk: MakeDesk, table: str) -> None:
    other = await make_desk()
    columns = {
        "contact": "(workspace_id, id) values (:w, gen_random_uuid())",
        "conversation": "(workspace_id, id, contact_id) values (:w, gen_random_uuid(), gen_random_uuid())",
        "audit": "(workspace_id, n, actor, verb, object_kind, previous, hash) values (:w, 99, 'x', 'x', 'x', '', '')",
    }
    with pytest.raises(DBAPIError) as refused:
        await other.rows(f"insert into {table} {columns[table]} returning 1", w=full.workspace_id)
    assert sqlstate(refused) == ROW_SECURITY


async def test_a_row_may_not_refer_to_another_businesss(full: Desk, make_desk: MakeDesk) -> None:
    other = await make_desk()
    theirs = (await full.rows("select id from contact"))[0].id
    with pytest.raises(DBAPIError) as refused:
        await other.rows(
            "insert into conversation (workspace_id, id, contact_id) values (:w, gen_random_uuid(), :contact)"
            " returning id",
            w=other.workspace_id,
            contact=theirs,
        )
    assert sqlstate(refused) == "23503"


@pytest.mark.parametrize("workspace", ["", "00000000-0000-0000-0000-000000000000"])
async def test_who_is_nowhere_sees_nothing(
    full: Desk, postgres: EmbeddedPostgres, owner: Owner, workspace: str
) -> None:
    async with await psycopg.AsyncConnection.connect(postgres.url) as login:
        await login.execute("set local role frontdesk_app")
        await login.execute("select set_config('app.workspace', %s, true)", (workspace,))
        for name in await tables(owner):
            query = sql.SQL("select count(*) from {}").format(sql.Identifier(name))
            assert await (await login.execute(query)).fetchone() == (0,)
        await login.rollback()


async def test_the_login_itself_may_look_at_nothing(postgres: EmbeddedPostgres, owner: Owner) -> None:
    """Rights come with a transaction's role only."""
    async with await psycopg.AsyncConnection.connect(postgres.url, autocommit=True) as login:
        for name in await tables(owner):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                await login.execute(sql.SQL("select 1 from {}").format(sql.Identifier(name)))


async def test_a_transactions_workspace_ends_with_it(full: Desk) -> None:
    """The next one on the same connection starts from nothing."""
    async with full.rt.db.transaction(full.workspace_id) as tx:
        await tx.execute(text("select 1"))
    async with full.rt.db.engine.connect() as connection:
        row = (
            await connection.execute(
                text("select current_user, coalesce(current_setting('app.workspace', true), '') as w")
            )
        ).one()
    assert tuple(row) == ("frontdesk", "")


# --- what the dispatcher may see ---


async def test_the_dispatcher_finds_work_and_reads_no_words(full: Desk, owner: Owner) -> None:
    secret = await owner.execute(
        "select table_name, column_name from information_schema.columns where table_schema = 'public'"
        " and (data_type = 'bytea' or column_name in ('profile', 'text', 'title', 'details', 'lexemes', 'credentials'))"
    )
    for table, column in await secret.fetchall():
        allowed = await owner.execute(
            "select has_column_privilege('frontdesk_dispatch', %s, %s, 'SELECT')", (table, column)
        )
        expected = (table, column) in KEYED_HASHES
        assert (table, column, await allowed.fetchone()) == (table, column, (expected,))


@pytest.mark.parametrize(
    "query",
    ["select body from message", "select name from contact", "select body from delivery", "select * from delivery",
     "select credentials from channel", "select profile from workspace", "select secret_hash from api_key",
     "select value from contact_address", "update conversation set owner = 'human'", "delete from conversation",
     "insert into timer (workspace_id) values (null)"],
)  # fmt: skip
async def test_the_dispatcher_is_refused(full: Desk, query: str) -> None:
    with pytest.raises(DBAPIError) as refused:
        async with full.rt.db.dispatch() as dispatch:
            await dispatch.db.execute(text(query))
    assert sqlstate(refused) == PERMISSION_DENIED


async def test_a_workspace_that_is_not_there_has_no_transaction(full: Desk) -> None:
    with pytest.raises(LookupError, match="there is no workspace"):
        async with full.rt.db.transaction(UUID(int=7)):
            raise AssertionError
