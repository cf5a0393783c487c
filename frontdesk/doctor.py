"""Every setting, credential, service and webhook of an installation, looked at once. Nothing is changed."""

import os
import shutil
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import httpx2

from dialogue.llm_choice import Choice
from domain.errors import ModelFailed, Trouble, TurnFailed
from frontdesk import doctor_booking, doctor_crm, doctor_payments
from knowledge.embedding import minilm
from knowledge.embedding.minilm import NoModel
from runtime import asked, prices
from runtime.asked import REAL_TWILIO
from runtime.findings import Finding, note, ok, wrong
from runtime.models import open_link
from runtime.runtime import Runtime
from runtime.settings import Settings, secret_file
from store import channels, health, migrate, workspaces
from store.channels import ChannelRow
from store.crypto import Unreadable
from store.db import UNAVAILABLE

FREE = 1 << 30  # bytes: below this a disk is nearly full
SKEW = timedelta(seconds=5)
LATE = timedelta(minutes=2)


def machine(settings: Settings) -> list[Finding]:
    """What needs no service."""
    return [_python(), _data_dir(settings.data_dir), _secret_file(settings.data_dir)]


def _python() -> Finding:
    version = ".".join(str(part) for part in sys.version_info[:3])
    if (3, 11) <= sys.version_info[:2] <= (3, 13):
        return ok("python", version)
    return wrong("python", f"{version} is not supported", "use Python 3.11, 3.12 or 3.13")


def _data_dir(directory: Path) -> Finding:
    try:
        with tempfile.NamedTemporaryFile(dir=directory):
            free = shutil.disk_usage(directory).free
    except OSError as error:
        return wrong(
            "data directory",
            f"{directory} cannot be written: {error.strerror}",
            "make it, or set FRONTDESK_DATA_DIR to one that this user may write",
        )
    if free < FREE:
        return wrong(
            "data directory",
            f"{directory} has {free >> 20} MiB left",
            "make room: attachments are kept there",
        )
    return ok("data directory", f"{directory}, {free >> 30} GiB free")


def _secret_file(directory: Path) -> Finding:
    file = secret_file(directory)
    if not file.exists():
        return ok("secret key", "from FRONTDESK_SECRET_KEY")
    if (mode := file.stat().st_mode & 0o777) & 0o077:
        return wrong("secret key", f"{file} may be read by others ({mode:04o})", f"chmod 600 {file}")
    return ok("secret key", f"{file}, readable by its owner only; keep a copy elsewhere")


async def installation(rt: Runtime) -> list[Finding]:
    """Services, then every workspace; without a database the rest cannot be known."""
    try:
        found = await _database(rt)
        if any(one.check in ("schema", "database roles") and one.state == "wrong" for one in found):
            return found
        return [*found, await _redis(rt), *await _businesses(rt), *await _work(rt)]
    except UNAVAILABLE as error:
        said = f"does not answer ({type(error).__name__})"
        return [wrong("database", said, "start it, or mend DATABASE_URL; `make run` has one built in")]


async def _database(rt: Runtime) -> list[Finding]:
    before = datetime.now(UTC)
    server = await health.server(rt.db)
    skew = abs(server.now - before - (datetime.now(UTC) - before) / 2)
    login, newest = server.login, migrate.newest()
    found = [ok("database", f"Postgres {server.version}, as {login}")]
    if lacking := ", ".join(one.name for one in await health.roles(rt.db) if one.there and not one.ours):
        found.append(
            wrong("database roles", f"{login} may not act as {lacking}", f"grant {lacking} to {login}")
        )
    elif server.revision != newest:
        said = f"at revision {server.revision or 'nothing'}, this version needs {newest}"
        found.append(wrong("schema", said, "run frontdesk migrate"))
    else:
        found.append(ok("schema", f"revision {server.revision}"))
    if server.superuser:
        todo = "log in as a role without superuser and bypassrls"
        found.append(wrong("database role", f"{login} may bypass row-level security", todo))
    else:
        found.append(ok("database role", f"{login} cannot bypass row-level security"))
    if server.vector:
        found.append(ok("vector", f"pgvector {server.vector}"))
    else:
        found.append(wrong("vector", "the extension is missing", "create extension vector, as a superuser"))
    if skew < SKEW:
        found.append(ok("clock", f"within {SKEW.seconds} s of the database's"))
    else:
        said = f"{skew.total_seconds():.0f} s apart from the database's"
        found.append(wrong("clock", said, "let NTP run on both machines"))
    return found


async def _businesses(rt: Runtime) -> list[Finding]:
    found, called_by_twilio = list[Finding](), False
    for workspace_id, slug in await _workspaces(rt):
        rows, finding = await _keys(rt, workspace_id, slug)
        found.append(finding)
        for row in rows:
            called_by_twilio |= row.kind.startswith("twilio") and rt.settings.twilio_url == REAL_TWILIO
            found += await asked.check(rt, row, f"{slug}: {row.kind} {row.address}".rstrip())
        if rows:
            found += await doctor_booking.reminders(rt, workspace_id, slug)
            found += await doctor_booking.linked(rt, workspace_id, slug)
            found += await doctor_crm.crm(rt, workspace_id, slug)
    if not found:
        found.append(note("workspaces", "there are none yet", "frontdesk apply demos/clinic.yaml"))
    found += await doctor_payments.paid(rt, await _workspaces(rt))
    return [*found, await _public_url(rt, called_by_twilio)]


async def _work(rt: Runtime) -> list[Finding]:
    found = [*await _models(rt), _meaning(), *await _embedder(rt)]
    async with rt.db.dispatch() as dispatch:
        return found + [_late(one) for one in await health.late(dispatch, LATE)]


async def _models(rt: Runtime) -> list[Finding]:
    """Each model's key and name at its provider, and whether its price is known."""
    local = ok("model", "local: messages are understood on this machine, no key is needed")
    table = prices.read(rt.settings.llm_prices or prices.SHIPPED)
    found = [local]
    for choice in rt.settings.llm:
        found.append(await _model(rt, choice))
        if str(choice) not in table and choice.provider != "scripted":
            said = "its price is not known: tokens are counted, and a business with models.cost_per_day does not ask it"
            found.append(note(f"price {choice}", said, "write it into a file for FRONTDESK_LLM_PRICES"))
    return found


async def _model(rt: Runtime, choice: Choice) -> Finding:
    name = f"model {choice}"
    try:
        return ok(name, await open_link(rt.settings, choice, rt.http).check())
    except ModelFailed as error:
        todo = {
            Trouble.AUTH: f"copy {choice.provider.upper()}_API_KEY anew, and look at the account's credit",
            Trouble.BAD_REQUEST: "look at the model's name in FRONTDESK_LLM",
        }.get(error.trouble, f"look at the network, and {choice.provider.upper()}_BASE_URL")
        said = f"{error.trouble}{f' ({error.detail})' if error.detail else ''}; what needs no model answers meanwhile"
        return wrong(name, said, todo)


def _meaning() -> Finding:
    try:
        minilm.check(minilm.folder())
    except NoModel as error:
        return wrong("embedder", f"{error}; messages are understood by their words alone", "make run")
    return ok("embedder", f"{minilm.MODEL}, its weights are the right ones")


async def _embedder(rt: Runtime) -> list[Finding]:
    """Of documents, where it is not this machine's own."""
    if without := rt.settings.embedder_without_key:
        said = f"{without} has no key; {minilm.MODEL} on this machine serves instead"
        return [
            wrong("embedder of documents", said, "set OPENAI_API_KEY, or OPENAI_BASE_URL for another server")
        ]
    if rt.settings.embedder.kind != "openai":
        return []
    try:
        await rt.embedder.embed(["hello"])
    except TurnFailed as error:
        said = (
            f"{error}; documents are found by their words, and by the vectors that were made on this machine"
        )
        return [
            wrong("embedder of documents", said, "look at OPENAI_API_KEY, OPENAI_BASE_URL and the network")
        ]
    return [ok("embedder of documents", f"{rt.embedder.model} answers")]


async def _redis(rt: Runtime) -> Finding:
    if rt.settings.redis_url is None:
        return note(
            "redis",
            f"not set: work is found by polling, every {rt.settings.poll_s:g} s",
            "set REDIS_URL to answer sooner",
        )
    state = await rt.wake.state()
    if state == "ok":
        return ok("redis", "answers")
    return wrong("redis", f"{state}; work is found by polling meanwhile", "start it, or mend REDIS_URL")


async def _workspaces(rt: Runtime) -> list[tuple[UUID, str]]:
    async with rt.db.dispatch() as dispatch:
        return await workspaces.listed(dispatch)


async def _keys(rt: Runtime, workspace_id: UUID, slug: str) -> tuple[list[ChannelRow], Finding]:
    name = f"{slug}: keys"
    try:
        async with rt.db.transaction(workspace_id) as tx:
            return await channels.listed(tx), ok(name, "open with the secret key")
    except Unreadable:
        todo = "put the secret that it was made with into FRONTDESK_SECRET_KEY, after a comma"
        return [], wrong(name, "do not open with FRONTDESK_SECRET_KEY", todo)


async def _public_url(rt: Runtime, called_by_twilio: bool) -> Finding:
    url, todo = rt.settings.public_url, "start frontdesk, or mend FRONTDESK_PUBLIC_URL"
    if called_by_twilio and not url.startswith("https://"):
        said = f"{url} is not https, and Twilio calls it"
        return wrong("public url", said, "set FRONTDESK_PUBLIC_URL to the https address")
    try:
        answer = await rt.http.get(f"{url}/healthz")
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        return wrong("public url", f"nothing answers at {url} ({type(error).__name__})", todo)
    if answer.status_code != 200 or asked.read(answer).get("status") != "alive":
        return wrong("public url", f"something else answers at {url} ({answer.status_code})", todo)
    return ok("public url", f"{url} answers")


def _late(late: health.Late) -> Finding:
    if not late.count:
        return ok(late.what, "none waits too long")
    since = f", the oldest since {late.since:%Y-%m-%d %H:%M:%S} UTC" if late.since else ""
    who = "scheduler" if late.what == "timers" else "worker"
    said = f"{late.count} wait longer than {LATE.seconds // 60} minutes{since}"
    return wrong(late.what, said, f"is a {who} running? frontdesk {who}")


def file_mode(path: Path) -> int | None:
    """Its permission bits; None when there is no such file."""
    return os.stat(path).st_mode & 0o777 if path.exists() else None
