"""`frontdesk eval`: how good it is on labelled files. A kind of question a file, `eval_*.py`."""

from pathlib import Path
from typing import Annotated

import typer

from frontdesk.cli import eval_answers, eval_extraction, eval_intents, eval_retrieval, eval_sentiment
from frontdesk.cli.ending import fail

app = typer.Typer(
    no_args_is_help=True, help="Quality on labelled files, through the same code as a live turn."
)
app.command()(eval_intents.intents)
app.command()(eval_sentiment.sentiment)
app.command()(eval_extraction.extraction)
app.command()(eval_retrieval.retrieval)
app.command()(eval_answers.answers)


@app.command("all")
def everything(
    data: Annotated[Path, typer.Option(help="The directory of the public sets.", file_okay=False)],
    write: Annotated[
        Path | None, typer.Option(help="The sheet to make anew, such as docs/quality.md.")
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="A section by name; the others stay as they are.")
    ] = None,
) -> None:
    """Measure every kind on every public set that is there, and write the sheet of figures.

    Example: `frontdesk eval all --data ../shared/data --write docs/quality.md`
    """
    from frontdesk.quality import sheet
    from frontdesk.quality.registry import SECTIONS

    names = [section.name for section in SECTIONS]
    if not data.is_dir():
        fail(f"{data} is no directory", 2)
    if unknown := sorted(set(only or ()) - set(names)):
        fail(f"there is no section {unknown[0]!r}; there are {', '.join(names)}", 2)
    chosen = [section for section in SECTIONS if not only or section.name in only]
    fresh = {section.name: sheet.written(section, data, typer.echo) for section in chosen}
    if write:
        before = write.read_text(encoding="utf-8") if write.exists() else ""
        write.write_text(sheet.merge(before, fresh, SECTIONS), encoding="utf-8")
