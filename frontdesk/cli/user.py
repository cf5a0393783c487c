"""`frontdesk user`: the people of a business."""

import json
import re
from typing import Annotated, Literal
from uuid import UUID

import typer

from frontdesk.cli import place
from frontdesk.cli.place import AsJson, DataDir
from frontdesk.cli.processes import fail
from runtime.runtime import Runtime
from store import audit, people

app = typer.Typer(no_args_is_help=True, help="The people of a business.", rich_markup_mode="markdown")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s.]+")


@app.command()
def create(
    workspace: Annotated[str, typer.Option("--workspace", "-w", help="The business: its slug or id.")],
    name: Annotated[str, typer.Option(help="As colleagues see it.")],
    email: Annotated[str, typer.Option(help="Unique in the workspace.")],
    role: Annotated[
        Literal["owner", "admin", "agent", "viewer"], typer.Option(help="What they may do.")
    ] = "agent",
    key: Annotated[
        bool, typer.Option("--key", help="Also make an API key for them; it is shown once.")
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a person, or bring role and name of the one with this e-mail up to date. Signing in with a password comes
    later; until then people act through an API key.

    Example: `frontdesk user create -w clinic --role owner --name "Olive Owner" --email olive@example.com --key`
    """
    if not _EMAIL.fullmatch(email.strip()) or len(email) > 254:
        fail(f"--email {email!r} is not an e-mail address; write it like olive@example.com", 2)
    if not name.strip() or len(name) > 120:
        fail("--name is empty or longer than 120 characters", 2)
    person_id, made = place.with_runtime(
        lambda rt: _create(rt, workspace, role, name.strip(), email.strip(), key), data_dir
    )
    if as_json:
        return typer.echo(json.dumps({"id": str(person_id), "role": role} | ({"key": made} if made else {})))
    typer.echo(f"{role} {person_id}")
    if made:
        typer.echo(f"key  {made}   (shown this once)")


async def _create(
    rt: Runtime, workspace: str, role: str, name: str, email: str, key: bool
) -> tuple[UUID, str | None]:
    async with rt.db.transaction(await place.find_workspace(rt, workspace)) as tx:
        person_id = await people.add(tx, role, name, email)
        made = await people.add_key(tx, "command line", person_id) if key else None
        await audit.add(tx, "cli", "person_put", "person", person_id, role=role, key=key)
    return person_id, made
