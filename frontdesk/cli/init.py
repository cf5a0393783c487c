"""`frontdesk init`: a business begins with an industry package."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer
from pydantic import ValidationError

from domain.workspace import ChannelSettings, Hours, Identity
from frontdesk.cli import place
from frontdesk.cli.ending import fail
from frontdesk.cli.place import AsJson, DataDir
from runtime import changes, export, files, founding, mistakes, packages
from runtime.files import BadFile
from runtime.packages import Beginning
from runtime.runtime import Runtime
from store import audit, workspaces
from store.db import new_id


def init(
    package: Annotated[str, typer.Argument(help="Which one; without it they are listed.")] = "",
    name: Annotated[str, typer.Option(help="What the business is called.", show_default=False)] = "",
    timezone: Annotated[str, typer.Option(help="Its IANA time zone.")] = "UTC",
    slug: Annotated[str, typer.Option(help="Its short name; made from the name when not given.")] = "",
    hours: Annotated[
        list[str] | None,
        typer.Option(help="Such as mon-fri=09:00-17:00; may be repeated. Else the package's."),
    ] = None,
    sms: Annotated[str, typer.Option(help="Its Twilio number, like +15125550199.")] = "",
    samples: Annotated[
        bool,
        typer.Option("--samples", help="With the package's documents, though they tell another's prices."),
    ] = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="Write the file and the documents to this folder; make nothing."),
    ] = None,
    data_dir: DataDir = None,
    as_json: AsJson = False,
) -> None:
    """Begin a business with an industry package: fields, statuses, rules, policy, words and skills, its own from the
    first moment. With -o nothing is made: edit the folder, then `frontdesk apply` it.

    Example: `frontdesk init salon --name "Fern & Co" --timezone America/Denver --hours tue-sat=09:00-18:00`
    """
    if not package:
        return _list(as_json)
    if not name:
        fail("a business needs a name: --name", 2)
    try:
        begun = _begin(package, name, timezone, slug, hours or [], sms, samples or out is not None)
    except BadFile as error:
        fail(str(error), 2)
    if out is not None:
        return _write(out, begun, as_json)
    lines = place.with_runtime(lambda rt: _make(rt, begun), data_dir)
    _tell(begun, lines, as_json)


def _list(as_json: bool) -> None:
    rows = [{"name": one, "about": packages.about(one)} for one in packages.names()]
    if as_json:
        return typer.echo(json.dumps({"packages": rows}))
    for row in rows:
        typer.echo(f"{row['name']:<12}{row['about']}")


def _begin(
    package: str, name: str, timezone: str, slug: str, hours: list[str], sms: str, samples: bool
) -> Beginning:
    """Raise BadFile."""
    packages.path(package)
    try:
        own = Identity(slug=slug or next(founding.slugs(None, name)), name=name, timezone=timezone)
        channels = (ChannelSettings(kind="twilio_sms", address=sms),) if sms else ()
        days: Any = dict(one.partition("=")[::2] for one in hours)
        opened = Hours.model_validate(days) if hours else None
    except ValidationError as error:
        raise BadFile(
            [f"{'.'.join(map(str, one['loc'])) or '--hours'}: {mistakes.said(one)}" for one in error.errors()]
        ) from None
    return packages.begin(package, own, opened, channels, samples=samples)


async def _make(rt: Runtime, begun: Beginning) -> list[str]:
    slug = begun.file.profile.workspace.slug
    if await files.find(rt.db, begun.file) is not None:
        fail(
            f"there is a workspace {slug} already; choose another --slug, or change it with frontdesk apply",
            1,
        )
    async with rt.db.found(new_id()) as tx:
        await workspaces.add(tx, begun.file.profile)
        await files.put(tx, begun.file, {})
        await audit.add(tx, "cli", "workspace_created", "workspace", tx.workspace_id)
    return changes.created(begun.file)


def _write(out: Path, begun: Beginning, as_json: bool) -> None:
    slug = begun.file.profile.workspace.slug
    texts = [(f"{slug}.yaml", export.text(begun.file.profile).encode())]
    texts += [(one.source, one.original) for one in begun.samples]
    there = [str(out / name) for name, _ in texts if (out / name).exists()]
    if there:
        fail(f"{there[0]} is there already; nothing was written", 1)
    for name, data in texts:
        (out / name).parent.mkdir(parents=True, exist_ok=True)
        (out / name).write_bytes(data)
    written = [str(out / name) for name, _ in texts]
    if as_json:
        return typer.echo(json.dumps({"workspace": slug, "written": written}))
    typer.echo("\n".join([*written, f"go through the documents, then: frontdesk apply {out / slug}.yaml"]))


def _tell(begun: Beginning, lines: list[str], as_json: bool) -> None:
    slug, left = begun.file.profile.workspace.slug, _left(begun)
    if as_json:
        return typer.echo(json.dumps({"workspace": slug, "changes": lines, "left": left}))
    for line in lines:
        typer.echo(f"{slug}: {line}")
    for line in left:
        typer.echo(f"to do: {line}")


def _left(begun: Beginning) -> list[str]:
    """What no package can know."""
    profile, slug = begun.file.profile, begun.file.profile.workspace.slug
    found = [] if profile.channels else ["a channel: a Twilio number, WhatsApp or the web chat"]
    if begun.file.documents:
        found.append(
            "its documents tell the sample's prices and addresses: replace them before customers write"
        )
    else:
        found.append(
            "what it knows: documents with its prices and address; --samples or -o shows the package's"
        )
    if "booking" in profile.skills:
        found.append("services and staff are the sample's: see skills.booking")
    return [*found, f"frontdesk export {slug} > {slug}.yaml, edit it, frontdesk apply {slug}.yaml"]
