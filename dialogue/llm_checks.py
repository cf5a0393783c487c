"""What makes an answer of any model unusable, whoever the provider is: nothing, too much, the same again, no JSON."""

import re
from collections import Counter

from domain.errors import ModelFailed, Trouble
from domain.llm import Answer, Finish, Prompt

PER_TOKEN = 12
"""Characters that a token may at most be: an answer longer than that for its tokens is not what was asked for."""
RUN, TIMES = 6, 4
"""The same six words four times, or the same sentence three times, is a loop."""
SENTENCES = 3
_FENCED = re.compile(r"^\s*```(?:json)?\s*(.*?)\s*```\s*$", re.DOTALL)


def checked(answer: Answer, prompt: Prompt) -> Answer:
    """The answer with its value read. Raise ModelFailed."""
    trouble, detail = _trouble(answer, prompt)
    if trouble is not None:
        raise ModelFailed(trouble, answer.model, detail, usage=answer.usage)
    if prompt.shape is None:
        return answer
    try:
        value = prompt.shape.read(_FENCED.sub(r"\1", answer.text))
    except (ValueError, RecursionError) as error:
        raise ModelFailed(Trouble.BAD_JSON, answer.model, type(error).__name__, usage=answer.usage) from error
    return Answer(answer.text, answer.usage, answer.model, answer.finish, answer.refusal, value)


def _trouble(answer: Answer, prompt: Prompt) -> tuple[Trouble | None, str]:
    if answer.finish is Finish.REFUSED or answer.refusal:
        return Trouble.REFUSED, ""
    if answer.finish is Finish.LENGTH:
        return Trouble.TRUNCATED, f"more than {prompt.max_tokens} tokens"
    if not answer.text.strip():
        return Trouble.EMPTY, ""
    if len(answer.text) > PER_TOKEN * prompt.max_tokens:
        return Trouble.TRUNCATED, f"{len(answer.text)} characters"
    if looping(answer.text):
        return Trouble.LOOPING, ""
    return None, ""


def looping(text: str) -> bool:
    """It says the same again and again. JSON's own words ("passages", "field") repeat by right and are left out."""
    said = re.sub(r'"[a-z_]+"\s*:', " ", text)
    words = re.findall(r"\w+", said.casefold())
    runs = Counter(tuple(words[at : at + RUN]) for at in range(len(words) - RUN + 1))
    if any(count >= TIMES for count in runs.values()):
        return True
    sentences = Counter(one for raw in re.split(r"[.!?\n]+", said.casefold()) if len(one := raw.strip()) > 12)
    return any(count >= SENTENCES for count in sentences.values())
