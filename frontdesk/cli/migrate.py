"""`frontdesk migrate`."""

import asyncio
from datetime import timedelta
from typing import TYPE_CHECKING, Annotated

import typer

from frontdesk.cli.ending import fail, read_settings
from runtime.settings import Settings
from store.crypto import Unreadable
from store.db import UNAVAILABLE
from store.migrate import Copy, NewerDatabase, NotPrepared, settle_here
from store.migrate import migrate as to_newest

if TYPE_CHECKING:
    from frontdesk.restoring import Settled


def migrate(
    restored: Annotated[
        bool, typer.Option("--restored", help="This database comes from a backup: make it fit to run.")
    ] = False,
    moved: Annotated[
        bool,
        typer.Option("--moved", help="It was moved while every process stood still: nothing is unknown."),
    ] = False,
    look_after: Annotated[
        float,
        typer.Option(
            help="With --restored: seconds before the provider is first asked what had left.", min=0
        ),
    ] = 120,
    without_asking: Annotated[
        bool,
        typer.Option("--without-asking", help="With --restored: go on although a provider does not answer."),
    ] = False,
    grant_to: Annotated[
        str, typer.Option(help="Let this login role do the application's work; it needs to own nothing.")
    ] = "",
) -> None:
    """Bring the database to the newest schema; a newer database is refused.

    Example: `DATABASE_URL=postgresql://… frontdesk migrate`
    """
    settings = read_settings()
    try:
        before, after = to_newest(
            settings.database_url,
            grant_to=grant_to,
            copy="restored" if restored else "moved" if moved else None,
        )
        if restored:
            typer.echo(asyncio.run(_restored(settings, look_after, without_asking)).told())
    except (NewerDatabase, NotPrepared, Copy, Unreadable) as error:
        fail(str(error), 1)
    except UNAVAILABLE as error:
        fail(f"the database does not answer, or refuses the login ({type(error).__name__})", 4)
    typer.echo(
        f"already at revision {after}"
        if before == after
        else f"migrated from {before or 'nothing'} to {after}"
    )


async def _restored(settings: Settings, look_after_s: float, without_asking: bool) -> "Settled":
    """Look after what was open; only then is the database one that may be sent from."""
    from frontdesk import restoring  # and the whole of the runtime, which a migration alone does not need
    from runtime.runtime import open_runtime

    async with open_runtime(settings) as rt:
        settled = await restoring.settle(rt, timedelta(seconds=look_after_s))
    if settled.unasked and not without_asking:
        names = ", ".join(str(one) for one in settled.unasked)
        raise Copy(
            f"the providers of these channels do not say what came after the backup: {names}. Try again, or give "
            "--without-asking: then what came is lost, opt-outs too"
        )
    settle_here(settings.database_url, restored=True)
    return settled
