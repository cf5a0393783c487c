"""What a message says, put into the fields of any schema: each value with its words and how sure it is."""

from dialogue.extract import amounts, calendar, choices, exact, flags, words
from dialogue.extract.cues import signs
from dialogue.extract.heard import Found, Heard

__all__ = ["Found", "Heard", "extract"]


def extract(heard: Heard) -> list[Found]:
    """At most one value a field, in the order of the schema. Nothing that the message does not say; `known`
    completes a day with its time and is otherwise not looked at."""
    about = dict(signs(heard.fields))
    found = [*calendar.read(heard, about), *amounts.read(heard, about), *exact.read(heard, about)]
    found += choices.read(heard, about)
    found += flags.read(heard, about)
    found += words.read(heard, about, found)
    by_name = {one.name: one for one in reversed(found)}
    return [by_name[f.name] for f in heard.fields if f.name in by_name]
