"""Which models answer, in which order: FRONTDESK_LLM as its reader understands it."""

from dataclasses import dataclass

PROVIDERS = ("openai", "anthropic", "scripted")


@dataclass(frozen=True, slots=True)
class Choice:
    """`name` is the provider's name of the model; of a scripted one, the path of its script."""

    provider: str
    name: str

    def __str__(self) -> str:
        return f"{self.provider}:{self.name}"


def read(said: str) -> tuple[Choice, ...]:
    """ "openai:gpt-5-mini, anthropic:claude-haiku-4-5, local" → two models; what is understood and said without one
    is always behind them. Raise ValueError saying what would be right."""
    found: list[Choice] = []
    links = [one.strip() for one in said.split(",") if one.strip()]
    for place, link in enumerate(links):
        provider, _, name = link.partition(":")
        if link == "local":
            if place != len(links) - 1:
                raise ValueError(
                    f"{said!r}: nothing comes after local, which always has an answer; write it last"
                )
            continue
        if provider not in PROVIDERS or not name.strip():
            raise ValueError(
                f"{link!r}: write local, openai:MODEL or anthropic:MODEL, comma-separated, best first"
            )
        choice = Choice(provider, name.strip())
        if choice in found:
            raise ValueError(f"{link!r} is there twice")
        found.append(choice)
    return tuple(found)
