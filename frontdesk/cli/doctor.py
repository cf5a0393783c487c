"""`frontdesk doctor`: is everything in order, and if not, what to do."""

import asyncio

import typer

from frontdesk import doctor as checks
from frontdesk import findings
from frontdesk.cli import place
from frontdesk.cli.place import AsJson, DataDir
from runtime.demo import BadDemo
from runtime.findings import Finding, wrong
from runtime.runtime import open_runtime
from runtime.settings import BadSettings, Settings


def doctor(data_dir: DataDir = None, as_json: AsJson = False) -> None:
    """Check every setting, credential, service and webhook: one line each, ok, or what is wrong and what to do.
    The exit code is the number of things that are wrong.

    Example: `frontdesk doctor`
    """
    try:
        settings = place.settings(data_dir)
    except (BadSettings, BadDemo) as error:
        found = [wrong("settings", str(error), "set it, or start `frontdesk up`")]
    else:
        found = checks.machine(settings) + asyncio.run(_installation(settings))
    raise typer.Exit(min(findings.tell(found, as_json), 99))


async def _installation(settings: Settings) -> list[Finding]:
    async with open_runtime(settings) as rt:
        return await checks.installation(rt)
