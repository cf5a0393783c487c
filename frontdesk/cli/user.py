"""`frontdesk user`: the people of a business."""

import json
import re
import sys
from typing import Annotated, Literal
from uuid import UUID

import typer

from domain import passwords
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson, DataDir
from runtime.passwords import Passwords
from runtime.runtime import Runtime
from store import accounts, audit, members, people

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
    password: Annotated[
        bool,
        typer.Option(
            "--password",
            help="Let them sign in: asks for a password, or reads it as one line from standard input.",
        ),
    ] = False,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Add a person, or bring role and name of the one with this e-mail up to date. With --password they can sign in
    with it; if they could before, it is their new one, and everything signed in with the old one ends.

    Example: `frontdesk user create -w clinic --role owner --name "Olive Owner" --email olive@example.com --password`
    """
    if not _EMAIL.fullmatch(email.strip()) or len(email) > 254:
        fail(f"--email {email!r} is not an e-mail address; write it like olive@example.com", 2)
    if not name.strip() or len(name) > 120:
        fail("--name is empty or longer than 120 characters", 2)
    secret = _ask_password(email.strip(), name.strip()) if password else None
    person_id, made = place.with_runtime(
        lambda rt: _create(rt, workspace, role, name.strip(), email.strip(), key, secret), data_dir
    )
    if as_json:
        return typer.echo(json.dumps({"id": str(person_id), "role": role} | ({"key": made} if made else {})))
    typer.echo(f"{role} {person_id}")
    if made:
        typer.echo(f"key  {made}   (shown this once)")


def _ask_password(email: str, name: str) -> str:
    """Never an argument: those stand in the shell's history, and in the list of processes."""
    if sys.stdin.isatty():
        said = str(typer.prompt("Password", hide_input=True, confirmation_prompt=True))
    else:
        said = sys.stdin.readline().rstrip("\n")
    wrong = passwords.weakness(said, (email, name))
    if wrong is not None:
        fail(f"this password will not do: {wrong}", 2)
    return said


async def _create(
    rt: Runtime, workspace: str, role: str, name: str, email: str, key: bool, password: str | None
) -> tuple[UUID, str | None]:
    workspace_id = await place.find_workspace(rt, workspace)
    hashed = await _hash(password) if password is not None else None
    async with rt.db.accounts() as found:
        account = await accounts.by_email(found, email.lower())
    async with rt.db.transaction(workspace_id) as tx:
        person_id = await people.add(tx, role, name, email)
        if hashed is not None:
            async with rt.db.accounts_within(tx) as found:
                account_id = account.id if account else await accounts.add(found, email.lower(), hashed)
                if account:
                    await accounts.set_password(found, account_id, hashed)
            await members.join(tx, account_id, email.lower(), role, name)
        made = await people.add_key(tx, "command line", person_id) if key else None
        told = {"role": role, "key": key, "password": password is not None}
        await audit.add(tx, "cli", "person_put", "person", person_id, **told)
    return person_id, made


async def _hash(password: str) -> str:
    hasher = Passwords()
    try:
        return await hasher.hash(password)
    finally:
        hasher.close()
