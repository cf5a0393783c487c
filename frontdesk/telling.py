"""What the terminal phone says, for people or, with --json, as one JSON object a line. An event is a dict with its
name under "event"."""

import json
import sys
from collections.abc import Callable, Iterator
from typing import Any

from rich.console import Console
from rich.text import Text

Json = dict[str, Any]
Tell = Callable[[Json], None]

_STYLES = {
    "message": "bold",
    "sent": "dim",
    "draft": "yellow",
    "error": "red",
    "why": "",
    "field": "",
    "done": "dim",
}
_ACTIONS = {
    "send": "sent",
    "draft": "asked a person first",
    "handoff": "handed to a person",
    "silence": "said nothing",
}


def as_json(event: Json) -> None:
    sys.stdout.write(json.dumps(event, ensure_ascii=False) + "\n")
    sys.stdout.flush()


def for_people(console: Console) -> Tell:
    def tell(event: Json) -> None:
        for line in _lines(event):
            console.print(Text(clean(line), style=_STYLES.get(event["event"], "")), soft_wrap=True)

    return tell


def clean(text: str) -> str:
    """Strangers' words without what a terminal would obey."""
    return "".join(char if char.isprintable() or char in "\n\t" else "\ufffd" for char in text)


def _lines(event: Json) -> Iterator[str]:
    match event["event"]:
        case "sent":
            yield f"you › {event['text']}"
        case "message":
            yield f"{event['name']} › {event['text']}{_trouble(event)}"
        case "draft":
            yield f"draft {event['n']} waits, {event['because']} › {event['text']}"
        case "field":
            yield f"  {event['name']}: {event['value']} ({event['source']}, {event['confidence']:.0%})"
        case "why":
            yield from _why(event)
        case _:
            yield str(event["text"])


def _trouble(event: Json) -> str:
    error = f" {event['error_code']}" if event.get("error_code") else ""
    return f"  ({event['status']}{error})" if event["status"] in ("failed", "undelivered") else ""


def _why(turn: Json) -> Iterator[str]:
    took = f" ({turn['took_ms']} ms)" if turn["took_ms"] is not None else ""
    because = f", because {turn['because']}" if turn["because"] else ""
    yield f"  decision    {_ACTIONS.get(turn['action'] or '', turn['action'] or 'none')}{because}{took}"
    sure = f", {turn['confidence']:.0%} sure" if turn["confidence"] is not None else ""
    yield f"  understood  {(turn['intent'] or 'nothing').replace('_', ' ')}{sure}"
    for name, label in (("nearest", "nearest"), ("runner_up", "runner-up"), ("language", "language")):
        if turn[name]:
            yield f"  {label:<11} {turn[name]}"
    for passage in turn["passages"]:
        words = " ".join((passage["text"] or "").split())
        yield f"  found       {passage['heading']} ({passage['score'] or 0:.0%}, {passage['source']}): {words[:160]}"
    for n, note in enumerate(turn["notes"], 1):
        yield f"  step {n:<6} {note}"
