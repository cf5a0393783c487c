"""Templates of a channel and how their review at the provider stands.

draft → submitted → approved ⇄ paused · rejected · disabled · retired (the workspace's file names it no more)

A changed text is a new version; the one before it stays in use until the new one is approved.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import text

from domain import templates
from domain import workspace as business
from domain.workspace import Profile
from store import conversations, outbox
from store.db import Dispatch, Tx, new_id
from store.outbox import NewMessage
from store.roots import root_of

_PUT = text(
    "insert into template (workspace_id, id, channel_id, name, category) values (:w, :id, :channel, :name, :category)"
    " on conflict (workspace_id, channel_id, name) do update set category = excluded.category returning id"
)
_NEWEST = text(
    "select id, n, body, variables, status from template_version where template_id = :template and locale = :locale"
    " order by n desc limit 1"
)
_ADD = text(
    "insert into template_version (workspace_id, id, template_id, locale, n, body, variables, provider_name)"
    " values (:w, :id, :template, :locale, :n, :body, :variables, :provider_name)"
)
_RETIRE = text(
    "update template_version v set status = 'retired', updated_at = frontdesk_now() from template t"
    " where t.workspace_id = v.workspace_id and t.id = v.template_id and t.channel_id = :channel"
    " and v.status <> 'retired' and not (t.name || ' ' || v.locale) = any(:kept)"
)
_CLAIM = text(
    "update template_version set lease_until = frontdesk_now() + :lease where (workspace_id, id) in ("
    " select workspace_id, id from template_version where status in ('draft', 'submitted', 'approved', 'paused')"
    " and next_check_at <= frontdesk_now() and (lease_until is null or lease_until < frontdesk_now())"
    " and (cast(:only as uuid) is null or workspace_id = :only)"
    " order by next_check_at limit :limit for update skip locked) returning workspace_id, id"
)
_COLUMNS = (
    "v.id, t.channel_id, t.name, t.category, v.locale, v.n, v.body, v.variables, v.status, v.reason, v.provider_id,"
    " v.provider_name, v.attempts"
)
_GET = text(
    f"select {_COLUMNS} from template_version v join template t on t.workspace_id = v.workspace_id"  # noqa: S608  (constant text)
    " and t.id = v.template_id where v.id = :id"
)
_LISTED = text(
    f"select {_COLUMNS} from template_version v join template t on t.workspace_id = v.workspace_id"  # noqa: S608  (constant text)
    " and t.id = v.template_id where t.channel_id = :channel order by t.name, v.locale, v.n"
)
_PAGE = text(
    "select id, channel_id, name, category from template where (cast(:after as uuid) is null or id > :after)"
    " order by id limit :limit"
)
_FIND = text("select id, channel_id, name, category from template where id = :id")
_NAMED = text("select id, channel_id, name, category from template where name = :name order by id")
_VERSIONS = text(
    "select id, template_id, locale, n, body, variables, status, reason, next_check_at, updated_at,"
    " status = 'approved' and n = max(n) filter (where status = 'approved') over (partition by template_id, locale)"
    " as in_use from template_version where template_id = any(:ids) order by locale, n desc"
)
# What was refused before the provider gave it an id was never there: it is submitted again.
_SYNC = text(
    "update template_version set next_check_at = frontdesk_now(), attempts = 0, status = case"
    " when status in ('rejected', 'disabled') then case when provider_id is null then 'draft' else 'submitted' end"
    " else status end where template_id = :id and status <> 'retired'"
)
_REVIEWED = text(
    "update template_version set status = :status, reason = :reason, provider_id = coalesce(:provider_id, provider_id),"
    " attempts = 0, lease_until = null, updated_at = frontdesk_now(), next_check_at = frontdesk_now() + :again"
    " where id = :id and status <> 'retired'"
)
_LATER = text(
    "update template_version set attempts = attempts + 1, reason = :reason, lease_until = null,"
    " next_check_at = frontdesk_now() + least(:base * power(2, attempts), interval '1 hour') where id = :id"
)
# What waits for a template may ask again, now that there is one.
_WAKE = text(
    "update delivery set next_attempt_at = frontdesk_now() where channel_id = :channel and state = 'queued'"
    " and reason = 'needs_template' returning id"
)
_WAITING = text(
    "select d.conversation_id, d.thread_id, d.channel_id, t.last_inbound_at, p.name, p.language from delivery d"  # noqa: S608  (constant text)
    " join thread t on t.workspace_id = d.workspace_id and t.id = d.thread_id"
    " join contact_address a on a.workspace_id = d.workspace_id and a.id = d.address_id"
    f" join contact p on p.workspace_id = a.workspace_id and p.id = {root_of('a', 'contact_id')}"
    " where d.id = :id and d.state = 'queued' and d.reason = 'needs_template'"
)
_ASKED = text(
    "select exists (select from delivery where thread_id = :thread and template_version_id is not null"
    " and (cast(:since as timestamptz) is null or created_at >= :since))"
)
_APPROVED = text(
    f"select {_COLUMNS} from template_version v join template t on t.workspace_id = v.workspace_id"  # noqa: S608  (constant text)
    " and t.id = v.template_id where t.channel_id = :channel and t.name = :name and v.status = 'approved'"
    " order by v.locale, v.n desc"
)

SOON, LATER, RARELY = timedelta(minutes=1), timedelta(minutes=10), timedelta(hours=6)
"""How long until the provider is asked again: after submitting, while it thinks, and once it has decided."""


@dataclass(frozen=True, slots=True)
class Version:
    id: UUID
    channel_id: UUID
    name: str
    category: str
    locale: str
    n: int
    body: str
    variables: tuple[str, ...]
    status: str
    reason: str | None
    provider_id: str | None
    provider_name: str
    attempts: int


@dataclass(frozen=True, slots=True)
class Wording:
    """A version, as people see it."""

    id: UUID
    locale: str
    n: int
    body: str
    variables: tuple[str, ...]
    status: str
    reason: str | None
    next_check_at: datetime
    updated_at: datetime
    in_use: bool


@dataclass(frozen=True, slots=True)
class Template:
    """A name on a channel; `versions` by language, the newest first."""

    id: UUID
    channel_id: UUID
    name: str
    category: str
    versions: tuple[Wording, ...]


async def page(tx: Tx, after: UUID | None, limit: int) -> list[Template]:
    """In the order in which they were first written."""
    return await _told(tx, (await tx.execute(_PAGE, {"after": after, "limit": limit})).all())


async def find(tx: Tx, template_id: UUID) -> Template | None:
    found = await _told(tx, (await tx.execute(_FIND, {"id": template_id})).all())
    return found[0] if found else None


async def named(tx: Tx, name: str) -> list[Template]:
    """One for each channel that has it."""
    return await _told(tx, (await tx.execute(_NAMED, {"name": name})).all())


async def sync(tx: Tx, template_id: UUID) -> None:
    """Its versions are due: what was refused as well."""
    await tx.execute(_SYNC, {"id": template_id})


async def _told(tx: Tx, rows: Sequence[Any]) -> list[Template]:
    versions: dict[UUID, list[Wording]] = {row.id: [] for row in rows}
    for row in await tx.execute(_VERSIONS, {"ids": list(versions)}) if rows else ():
        fields = dict(row._mapping)
        kept = versions[fields.pop("template_id")]
        kept.append(Wording(**fields | {"variables": tuple(fields["variables"])}))
    return [Template(row.id, row.channel_id, row.name, row.category, tuple(versions[row.id])) for row in rows]


async def put(tx: Tx, channel_id: UUID, wanted: Sequence[business.Template]) -> None:
    """Bring the channel's templates to what the file says; a changed text becomes a new version."""
    for one in wanted:
        await _put(tx, channel_id, one)
    kept = [f"{one.name} {one.language}" for one in wanted]
    await tx.execute(_RETIRE, {"channel": channel_id, "kept": kept})


async def _put(tx: Tx, channel_id: UUID, wanted: business.Template) -> None:
    values: dict[str, Any] = {"w": tx.workspace_id, "id": new_id(), "channel": channel_id}
    template_id = (
        await tx.execute(_PUT, values | {"name": wanted.name, "category": wanted.category})
    ).scalar_one()
    newest = (await tx.execute(_NEWEST, {"template": template_id, "locale": wanted.language})).first()
    same = newest and (newest.body, tuple(newest.variables)) == (wanted.body, wanted.variables)
    if newest and same and newest.status != "retired":
        return
    n = newest.n + 1 if newest else 1
    await tx.execute(
        _ADD,
        {
            "w": tx.workspace_id, "id": new_id(), "template": template_id, "locale": wanted.language, "n": n,
            "body": wanted.body, "variables": list(wanted.variables),
            "provider_name": wanted.name if n == 1 else f"{wanted.name}_v{n}",
        },
    )  # fmt: skip


async def claim(
    dispatch: Dispatch, limit: int, lease: timedelta, only: UUID | None = None
) -> list[tuple[UUID, UUID]]:
    """(workspace, version) pairs that shall be submitted or looked after, ours until the lease ends."""
    rows = await dispatch.db.execute(_CLAIM, {"limit": limit, "lease": lease, "only": only})
    return [(row.workspace_id, row.id) for row in rows]


async def get(tx: Tx, version_id: UUID) -> Version:
    return _version((await tx.execute(_GET, {"id": version_id})).one())


async def listed(tx: Tx, channel_id: UUID) -> list[Version]:
    return [_version(row) for row in await tx.execute(_LISTED, {"channel": channel_id})]


async def reviewed(
    tx: Tx, version: Version, status: str, provider_id: str | None, reason: str | None
) -> bool:
    """Store what the provider says; return whether something may leave because of it."""
    again = RARELY if status not in ("draft", "submitted") else LATER if version.status == status else SOON
    values = {"id": version.id, "status": status, "provider_id": provider_id, "reason": reason}
    await tx.execute(_REVIEWED, values | {"again": again})
    if status != "approved" or version.status == "approved":
        return False
    return (await tx.execute(_WAKE, {"channel": version.channel_id})).first() is not None


async def later(tx: Tx, version_id: UUID, reason: str) -> None:
    """It could not be asked now."""
    await tx.execute(_LATER, {"id": version_id, "reason": reason, "base": timedelta(seconds=30)})


async def reopen(tx: Tx, delivery_id: UUID, profile: Profile) -> UUID | None:
    """Put the template that asks the customer to write again before what waits for that: once for each silence,
    if the workspace names one and the provider has approved it. Return the message's id."""
    row = (await tx.execute(_WAITING, {"id": delivery_id})).first()
    if row is None or profile.policy.reopen_with is None:
        return None
    await conversations.hold(tx, row.conversation_id)
    asked = await tx.execute(_ASKED, {"thread": row.thread_id, "since": row.last_inbound_at})
    if asked.scalar_one():
        return None
    version = await approved(tx, row.channel_id, profile.policy.reopen_with, profile, row.language)
    if version is None:
        return None
    known = {
        "contact.name": tx.vault.open_maybe("contact.name", row.name and bytes(row.name)),
        "workspace.name": profile.workspace.name,
        "assistant.name": profile.assistant.name,
    }
    values = templates.fill(version.variables, known, version.locale)
    new = NewMessage(
        row.conversation_id, row.thread_id, "system", "notice", templates.render(version.body, values),
        template_version_id=version.id, variables=values,
    )  # fmt: skip
    return await outbox.put(tx, new)


async def approved(
    tx: Tx, channel_id: UUID, name: str, profile: Profile, language: str | None
) -> Version | None:
    """The newest that the provider has approved, in the customer's language if there is one."""
    values = {"channel": channel_id, "name": name}
    newest: dict[str, Version] = {}
    for row in await tx.execute(_APPROVED, values):
        newest.setdefault(row.locale, _version(row))
    locale = templates.preferred(list(newest), (language, *profile.assistant.languages))
    return newest[locale] if locale else None


def _version(row: Any) -> Version:
    fields = dict(row._mapping)
    return Version(**fields | {"variables": tuple(fields["variables"])})
