"""The qualification skill: one question at a time, never one that was answered, and a score whose reasons are told."""

from dataclasses import replace

from domain.completion import answered, askable, hidden, in_order
from domain.qualification import QualificationSettings, Score, Warmth, plan, score
from domain.skill import Command, Heard, Risk, Run, RunState, Said, Skill, Step
from domain.workspace import Field_

_TELLING = frozenset({"give_information", "affirm", "deny", "unknown"})


class Qualification(Skill):
    name = "qualification"
    description = "Finds out what a new customer wants, and how soon a person should take it up."
    risk = Risk.PUBLIC
    goals = {}  # noqa: RUF012  (the workspace names them)

    def goal(self, intent: str, heard: Heard) -> str | None:
        """Begins with the intents that the workspace names, and with whoever tells what they want."""
        settings = _settings(heard)
        tells = bool(heard.told & {field.name for field in plan(settings, heard.profile.fields)})
        return "qualify" if intent in settings.begin or (tells and intent == "give_information") else None

    def concerns(self, run: Run, heard: Heard) -> bool:
        asked = run.memory.get("asked")
        answered = asked in heard.told or (heard.intent in _TELLING and not heard.text.rstrip().endswith("?"))
        return bool(heard.told) or answered or heard.command is not None

    async def step(self, run: Run, heard: Heard) -> Step:
        settings, fields = _settings(heard), heard.profile.fields
        if heard.command is Command.BACK:
            return self._asked_again(run, heard)
        refused = dict(run.memory.get("refused") or {})
        asked = run.memory.get("asked")
        if asked and asked not in heard.context:
            refused[asked] = refused.get(asked, 0) + 1
        run = run.recalling(refused=refused)
        missing = next(
            (
                field
                for field in _asked_now(settings, heard)
                if not _has(field, heard) and refused.get(field.name, 0) < settings.refusals
            ),
            None,
        )
        if missing is not None:
            kept = run.recalling(asked=missing.name, order=[*run.memory.get("order", []), missing.name])
            return Step(kept, (Said("ask_field", field=missing.name),))
        return _finished(run, heard, score(settings, fields, heard.context, heard.now))

    async def resume(self, run: Run, heard: Heard) -> Step:
        """The last question again, without counting it as put twice."""
        quiet = replace(heard, told=frozenset(), affirms=None, command=None)
        asked = run.memory.get("asked")
        if asked and asked not in heard.context and _counts(asked, heard):
            return Step(run, (Said("ask_field", field=asked),))
        return await self.step(run, quiet)

    def _asked_again(self, run: Run, heard: Heard) -> Step:
        """The question before the last, so that its answer can be changed."""
        order = list(run.memory.get("order") or [])
        back = order[-2] if len(order) > 1 else run.memory.get("asked")
        if not back:
            return Step(run, (Said("qualification_start_over"),))
        return Step(run.recalling(asked=back, order=order[:-1]), (Said("ask_field", field=back),))


def _settings(heard: Heard) -> QualificationSettings:
    return QualificationSettings.model_validate(heard.profile.skills["qualification"])


def _has(field: Field_, heard: Heard) -> bool:
    return answered(field, heard.context.get(field.name))


def _counts(name: str, heard: Heard) -> bool:
    """It is a field of the schema that this conversation fills now, and not hidden."""
    schemas = heard.profile.schemas
    known = bool(schemas) and name in {field.name for field in schemas[0].fields}
    return known and name not in hidden(schemas[0], heard.context, heard.now)


def _asked_now(settings: QualificationSettings, heard: Heard) -> list[Field_]:
    """In order, those that count and for which what they build on is known."""
    if not heard.profile.schemas:
        return []
    schema, fields = heard.profile.schemas[0], plan(settings, heard.profile.fields)
    if not settings.ask:
        fields = in_order(schema, fields, heard.context, heard.now)
    return askable(schema, fields, heard.context, heard.now)


def _finished(run: Run, heard: Heard, result: Score) -> Step:
    ended = run.ended(
        RunState.DONE, score=result.points, warmth=result.warmth.value, reasons=list(result.reasons)
    )
    fills = {"score": result.points, "warmth": result.warmth.value}
    facts = {"name": heard.contact_name, "summary": True}
    if result.warmth is Warmth.HOT:
        return Step(ended, (Said("qualification_hot", facts),), for_person="hot_lead", fills=fills)
    key = "qualification_warm" if result.warmth is Warmth.WARM else "qualification_nurture"
    return Step(ended, (Said(key, facts),), fills=fills)
