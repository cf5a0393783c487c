"""The command line: one file a command."""

import typer

from frontdesk.cli import (
    apply,
    audit,
    bench,
    chat,
    contact,
    doctor,
    eval,
    init,
    keys,
    listings,
    portfolio,
    processes,
    replay,
    tail,
    test,
    trigger,
    up,
    user,
)

app = typer.Typer(
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="markdown",
    pretty_exceptions_show_locals=False,
)
app.command()(up.up)
app.command()(processes.serve)
app.command()(processes.worker)
app.command()(processes.scheduler)
app.command()(processes.migrate)
app.command()(chat.chat)
app.command()(trigger.trigger)
app.command()(test.test)
app.command()(init.init)
app.command()(apply.apply)
app.command()(apply.diff)
app.command("export")(apply.export_)
app.command()(doctor.doctor)
app.command()(tail.tail)
app.command()(replay.replay)
app.add_typer(user.app, name="user")
app.add_typer(contact.app, name="contact")
app.add_typer(audit.app, name="audit")
app.add_typer(bench.app, name="bench")
app.add_typer(eval.app, name="eval")
app.add_typer(keys.app, name="key")
app.add_typer(listings.app, name="listings")
app.add_typer(portfolio.app, name="portfolio")


def main() -> None:
    app()
