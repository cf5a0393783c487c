"""`frontdesk audit`: is the chain of what was done whole, and is what should be locked locked."""

from pathlib import Path

import typer

from frontdesk import findings
from frontdesk.cli import place
from frontdesk.cli.place import AsJson, DataDir, Workspace
from frontdesk.doctor import file_mode
from runtime import demo as demo_file
from runtime.findings import Finding, note, ok, wrong
from runtime.runtime import Runtime
from runtime.settings import secret_file
from store import audit as log
from store import health, workspaces

app = typer.Typer(no_args_is_help=True, help="The audit and the locks.", rich_markup_mode="markdown")


@app.command()
def verify(workspace: Workspace = "", data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Recompute the chain of hashes of every workspace, or of one. A changed or missing entry is named.

    Example: `frontdesk audit verify`
    """
    found = place.with_runtime(lambda rt: _verify(rt, workspace), data_dir)
    raise typer.Exit(1 if findings.tell(found, as_json) else 0)


@app.command()
def security(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Row-level security on every table, roles without power, files that only we can read, keys that end, owners
    that can be reached.

    Example: `frontdesk audit security`
    """
    found = place.with_runtime(_security, data_dir)
    raise typer.Exit(1 if findings.tell(found, as_json) else 0)


async def _verify(rt: Runtime, workspace: str) -> list[Finding]:
    async with rt.db.dispatch() as dispatch:
        there = await workspaces.listed(dispatch)
    if workspace:
        chosen = await place.find_workspace(rt, workspace)
        there = [one for one in there if one[0] == chosen]
    found = []
    for workspace_id, slug in there:
        async with rt.db.transaction(workspace_id) as tx:
            broken, count = await log.verify(tx), await log.count(tx)
        todo = "somebody has written to this table by hand: compare with a backup, and find out who"
        found.append(
            ok(slug, f"{count} entries, the chain is whole")
            if broken is None
            else wrong(slug, f"entry {broken} does not fit the chain", todo)
        )
    return found


async def _security(rt: Runtime) -> list[Finding]:
    bare, server = await health.tables_without_security(rt.db), await health.server(rt.db)
    found = [
        wrong(
            "row-level security",
            f"not on {', '.join(bare)}",
            "alter table … force row level security, and a policy",
        )
        if bare
        else ok("row-level security", "forced on every table")
    ]
    found.append(
        wrong(
            "login",
            f"{server.login} may bypass row-level security",
            "use a login without superuser and bypassrls",
        )
        if server.superuser
        else ok("login", f"{server.login} is no superuser and cannot bypass row-level security")
    )
    if owned := await health.owned_tables(rt.db):
        todo = "migrate with one login and run with another that owns nothing"
        found.append(
            note("login", f"{server.login} owns {owned} tables and could switch their security off", todo)
        )
    found += [_role(one) for one in await health.roles(rt.db)]
    data_dir = rt.settings.data_dir
    found += [_file(path) for path in (secret_file(data_dir), demo_file.file(data_dir))]
    async with rt.db.dispatch() as dispatch:
        there = await workspaces.listed(dispatch)
    for workspace_id, slug in there:
        async with rt.db.transaction(workspace_id) as tx:
            found += _access(slug, await health.access(tx))
    return found


def _role(role: health.Role) -> Finding:
    if not role.there:
        return wrong(role.name, "does not exist", "run frontdesk migrate")
    if role.powerful:
        return wrong(role.name, "is powerful", f"alter role {role.name} nosuperuser nobypassrls")
    return ok(role.name, "has no power but its grants")


def _file(file: Path) -> Finding:
    mode = file_mode(file)
    if mode is None:
        return ok(file.name, "not there: nothing to guard")
    if mode & 0o077:
        return wrong(file.name, f"may be read by others ({mode:04o})", f"chmod 600 {file}")
    return ok(file.name, f"readable by its owner only ({mode:04o})")


def _access(slug: str, access: health.Access) -> list[Finding]:
    found = []
    if access.keys_without_expiry:
        many = access.keys_without_expiry
        found.append(
            note(f"{slug}: api keys", f"{many} never end", "make new ones with an expiry, revoke these")
        )
    if not access.owners:
        todo = f"frontdesk user create -w {slug} --role owner --name … --email …"
        found.append(wrong(f"{slug}: owner", "nobody is its owner", todo))
    elif access.owners_without_email:
        many = access.owners_without_email
        found.append(
            wrong(
                f"{slug}: owner", f"{many} owners without an e-mail: nobody can reach them", "give them one"
            )
        )
    return found or [ok(f"{slug}: people and keys", f"{access.owners} owners, every key ends")]
