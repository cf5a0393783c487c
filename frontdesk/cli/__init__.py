"""The command line: one file a command."""

import typer

from frontdesk.cli import apply, bench, chat, contact, processes, test, trigger, up

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
app.command()(apply.apply)
app.command()(apply.diff)
app.command("export")(apply.export_)
app.add_typer(contact.app, name="contact")
app.add_typer(bench.app, name="bench")


def main() -> None:
    app()
