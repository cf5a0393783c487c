"""`frontdesk contact`: all that is kept of one person, handed out or taken away."""

import json
import re
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer
from pydantic_core import to_jsonable_python

from domain.errors import NotFound
from domain.messages import Address, Scheme
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson, DataDir, Workspace
from runtime import erasing
from runtime.runtime import Runtime
from store import audit, erasure
from store.erasure import Erased

app = typer.Typer(
    no_args_is_help=True, help="One person's data: export it, erase it.", rich_markup_mode="markdown"
)
Who = Annotated[str, typer.Argument(help="The contact's id, telephone number or e-mail.", metavar="CONTACT")]


@app.command()
def export(
    contact: Who,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="File to write; readable by you only.")
    ] = None,
    workspace: Workspace = "",
    data_dir: DataDir = None,
) -> None:
    """Everything that is kept of a person, as JSON: addresses, consent, messages, fields, drafts, and why.

    Example: `frontdesk contact export +15125550123 -w clinic -o person.json`
    """
    found = place.with_runtime(lambda rt: _export(rt, workspace, contact), data_dir)
    told = json.dumps(to_jsonable_python(found, fallback=str), indent=2, ensure_ascii=False)
    if out is None:
        return typer.echo(told)
    try:
        out.touch(mode=0o600)
        out.write_text(told + "\n", encoding="utf-8")
    except OSError as error:
        fail(f"{out} cannot be written: {error.strerror}", 1)
    typer.echo(f"{len(found['conversations'])} conversations written to {out}")


@app.command()
def erase(
    contact: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Really. It cannot be undone.")] = False,
    workspace: Workspace = "",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Take everything of a person away, in every table and on disk. An opt-out stays, as a keyed hash: nobody will
    write to them by mistake. The audit says that it was done.

    Example: `frontdesk contact erase +15125550123 -w clinic --yes`
    """
    if not yes:
        fail("this cannot be undone: export first if you must, then say --yes", 2)
    erased, missing = place.with_runtime(lambda rt: _erase(rt, workspace, contact), data_dir)
    if as_json:
        told = {"rows": erased.rows, "files": len(erased.files), "files_missing": missing}
        return typer.echo(json.dumps(told | {"opt_outs_kept": erased.opt_outs_kept}))
    for name, count in erased.rows.items():
        typer.echo(f"{name}: {count} rows")
    typer.echo(f"files: {len(erased.files)}" + (f", of which {missing} were gone already" if missing else ""))
    if erased.opt_outs_kept:
        typer.echo(f"opt-outs kept as hashes: {erased.opt_outs_kept}")


async def _export(rt: Runtime, workspace: str, contact: str) -> dict[str, Any]:
    workspace_id = await place.find_workspace(rt, workspace)
    async with rt.db.transaction(workspace_id) as tx:
        key = await _find(tx, contact)
        try:
            found = await erasure.everything(tx, key)
        except NotFound as error:
            fail(str(error), 2)
        await audit.add(tx, "cli", "contact_exported", "contact", key)
        return found


async def _erase(rt: Runtime, workspace: str, contact: str) -> tuple[Erased, int]:
    workspace_id = await place.find_workspace(rt, workspace)
    async with rt.db.transaction(workspace_id) as tx:
        key = await _find(tx, contact)
        try:
            return await erasing.erase(tx, rt.settings.data_dir, key, "cli")
        except NotFound as error:
            fail(str(error), 2)
        except erasing.OutsideError as error:
            fail(str(error), 1)


async def _find(tx: Any, contact: str) -> UUID:
    try:
        return UUID(contact)
    except ValueError:
        pass
    for address in _addresses(contact):
        if (found := await erasure.find(tx, address)) is not None:
            return found
    fail("there is no contact with this id, number or e-mail in this workspace", 2)


def _addresses(contact: str) -> list[Address]:
    if "@" in contact:
        return [Address(Scheme.EMAIL, contact.strip().lower())]
    number = re.sub(r"[\s().-]", "", contact)
    return [Address(scheme, number) for scheme in (Scheme.TEL, Scheme.WHATSAPP)]
