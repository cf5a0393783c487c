"""`frontdesk apply`, `diff`, `export`: a workspace as a YAML file, in and out."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson, DataDir
from runtime import changes, export, files
from runtime.files import BadFile, WorkspaceFile
from runtime.runtime import Runtime
from store import audit, workspaces
from store.db import Tx, new_id
from store.refitting import told

Root = Annotated[
    Path | None,
    typer.Option(
        help="Where `knowledge:` is looked for. Default: beside the file, else the working directory."
    ),
]
Changed = list[tuple[WorkspaceFile, list[str]]]
"""Each file with its lines; none when there is nothing to do."""


def apply(
    paths: Annotated[list[Path], typer.Argument(help="Workspace files.", metavar="FILE…")],
    root: Root = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Make workspaces as their files say; what is so already is left alone. Nothing is applied unless every file
    is valid. A channel's credentials may be given as ${NAME}, from the environment; without any in the file, a
    channel keeps those it has.

    Example: `frontdesk apply demos/clinic.yaml`
    """
    read = _read(paths, root, data_dir, as_json)
    changed = place.with_runtime(lambda rt: _apply(rt, read), data_dir)
    _tell(changed, "nothing to change", as_json)


def diff(
    paths: Annotated[list[Path], typer.Argument(help="Workspace files.", metavar="FILE…")],
    root: Root = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Show what `apply` would change, and change nothing. Exit code 1 when there is a difference.

    Example: `frontdesk diff demos/clinic.yaml`
    """
    read = _read(paths, root, data_dir, as_json)
    changed = place.with_runtime(lambda rt: _diff(rt, read), data_dir)
    _tell(changed, "no difference", as_json)
    raise typer.Exit(1 if any(lines for _, lines in changed) else 0)


def export_(
    workspace: Annotated[str, typer.Argument(help="Its slug or id.", metavar="WORKSPACE")],
    out: Annotated[
        str, typer.Option("--out", "-o", metavar="DIR|-", help="Folder to write to; - prints the YAML only.")
    ] = "-",
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Write a workspace as one YAML file, SLUG.yaml, and its knowledge beside it, byte for byte as it was applied.
    Credentials stay in the database. The same workspace always gives the same bytes.

    Example: `frontdesk export clinic -o backup && frontdesk apply backup/clinic.yaml`
    """
    found = place.with_runtime(lambda rt: _export(rt, workspace), data_dir)
    for source in found.rebuilt:
        typer.echo(f"{source}: its own bytes were not kept; rebuilt from its passages", err=True)
    if out == "-":
        if found.documents and not as_json:
            typer.echo(f"without its {len(found.documents)} documents; -o DIR writes them too", err=True)
        return typer.echo(_as_json(found) if as_json else found.text, nl=as_json)
    written = _write(Path(out), found)
    typer.echo(json.dumps({"written": written}) if as_json else "\n".join(written))


def _read(
    paths: Sequence[Path], root: Path | None, data_dir: Path | None, as_json: bool
) -> list[WorkspaceFile]:
    """Every file, or the end of the process with every mistake of every file."""
    read, mistakes = list[WorkspaceFile](), list[str]()
    environ = place.process_environment()
    for path in paths:
        try:
            read.append(files.read(path, root, environ))
        except BadFile as error:
            mistakes += error.mistakes
    slugs = [one.profile.workspace.slug for one in read]
    mistakes += [
        f"{slug}: two files speak of this workspace; apply one of them"
        for slug in dict.fromkeys(slugs)
        if slugs.count(slug) > 1
    ]
    if mistakes:
        if as_json:
            typer.echo(json.dumps({"mistakes": mistakes}))
        fail("\n".join([*mistakes, "nothing was applied"]), 2)
    return read


async def _apply(rt: Runtime, read: list[WorkspaceFile]) -> Changed:
    return [(file, await _apply_one(rt, file)) for file in read]


async def _apply_one(rt: Runtime, file: WorkspaceFile) -> list[str]:
    workspace_id = await files.find(rt.db, file)
    if workspace_id is None:
        async with rt.db.found(new_id()) as tx:
            await workspaces.add(tx, file.profile)
            return await _put(tx, file, changes.created(file))
    async with rt.db.transaction(workspace_id) as tx:
        await workspaces.hold(tx)
        lines = await changes.between(tx, file)
        return await _put(tx, file, lines) if lines else []


async def _put(tx: Tx, file: WorkspaceFile, lines: list[str]) -> list[str]:
    lines = [*lines, *told(await files.put(tx, file, {}))]
    await audit.add(tx, "cli", "workspace_applied", "workspace", tx.workspace_id, changes=len(lines))
    return lines


async def _diff(rt: Runtime, read: list[WorkspaceFile]) -> Changed:
    return [(file, await _diff_one(rt, file)) for file in read]


async def _diff_one(rt: Runtime, file: WorkspaceFile) -> list[str]:
    workspace_id = await files.find(rt.db, file)
    if workspace_id is None:
        return changes.created(file)
    async with rt.db.transaction(workspace_id) as tx:
        return await changes.between(tx, file)


async def _export(rt: Runtime, name: str) -> export.Exported:
    async with rt.db.transaction(await place.find_workspace(rt, name)) as tx:
        return await export.export(tx)


def _write(directory: Path, found: export.Exported) -> list[str]:
    texts = [(f"{found.slug}.yaml", found.text.encode()), *found.documents]
    for name, data in texts:
        path = directory / name
        if not path.resolve().is_relative_to(directory.resolve()):
            fail(f"{name} would be written outside {directory}; nothing more is written", 1)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        except OSError as error:
            fail(f"{path} cannot be written: {error.strerror}", 1)
    return [str(directory / name) for name, _ in texts]


def _as_json(found: export.Exported) -> str:
    sources = [source for source, _ in found.documents]
    return json.dumps({"workspace": found.slug, "yaml": found.text, "documents": sources})


def _tell(changed: Changed, nothing: str, as_json: bool) -> None:
    if as_json:
        rows: list[dict[str, Any]] = [
            {"workspace": file.profile.workspace.slug, "changes": lines, "notices": list(file.notices)}
            for file, lines in changed
        ]
        return typer.echo(json.dumps({"workspaces": rows}))
    for file, lines in changed:
        slug = file.profile.workspace.slug
        for line in lines or [nothing]:
            typer.echo(f"{slug}: {line}")
        for notice in file.notices:
            typer.echo(f"{slug}: {notice}", err=True)
