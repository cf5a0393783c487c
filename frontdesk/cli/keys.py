"""`frontdesk key`: keys for programs, and the keys that personal data is sealed with."""

import json
from typing import Annotated, Literal

import typer

from frontdesk.cli import place
from frontdesk.cli.place import AsJson, DataDir
from runtime.runtime import Runtime
from store import audit, keys, people, workspaces
from store.db import KEY_SETTLES, NOBODYS

app = typer.Typer(
    help="Keys for programs, and the keys that personal data is sealed with.", no_args_is_help=True
)

Role = Literal["owner", "admin", "agent", "viewer"]


@app.command()
def create(
    workspace: place.Workspace,
    name: Annotated[str, typer.Option(help="What the key is for; shown in lists.", show_default=False)],
    role: Annotated[Role, typer.Option(help="What it may do.")] = "agent",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """A new API key. It is shown this once; only its hash is kept.

    Example: `frontdesk key create -w clinic --name website`
    """
    key = place.with_runtime(lambda rt: _create(rt, workspace, name, role), data_dir)
    typer.echo(json.dumps({"key": key, "name": name, "role": role}) if as_json else key)


@app.command()
def rotate(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Put every workspace's keys under the newest secret, and give each a new data key.

    To change the secret: set FRONTDESK_SECRET_KEY to "new,old" for every process and restart them, run this,
    then set it to "new". Values that are sealed already stay readable.

    Example: `frontdesk key rotate`
    """
    found, resealed = place.with_runtime(_rotate, data_dir)
    if as_json:
        typer.echo(json.dumps({"workspaces": found, "resealed": resealed, "added": found}))
        return
    minutes = KEY_SETTLES.total_seconds() / 60
    typer.echo(f"{found} workspaces: {resealed} keys came under the newest secret,")
    typer.echo(f"{found} new data keys will be in use in {minutes:.0f} minutes, when every process has them.")


async def _create(rt: Runtime, workspace: str, name: str, role: Role) -> str:
    """The role is that of a person; a program is a person without an e-mail that anybody reads."""
    workspace_id = await place.find_workspace(rt, workspace)
    async with rt.db.transaction(workspace_id) as tx:
        person_id = await people.add(tx, role, name, f"{role}:{name}@key.invalid")
        key = await people.add_key(tx, name, person_id)
        await audit.add(tx, "system", "key_created", "person", person_id, role=role)
        return key


async def _rotate(rt: Runtime) -> tuple[int, int]:
    """(workspaces, keys that came under the newest secret). What was done stays done if a later one fails."""
    async with rt.db.dispatch() as dispatch:
        found = await workspaces.listed(dispatch)
    async with rt.db.accounts() as accounts:
        resealed = await keys.reseal_accounts(accounts, rt.db.keyring)
    rt.db.forget_keys(NOBODYS)
    for workspace_id, _ in found:
        async with rt.db.transaction(workspace_id) as tx:
            resealed += await keys.rotate(tx, rt.db.keyring, "system")
        rt.db.forget_keys(workspace_id)
    return len(found), resealed
