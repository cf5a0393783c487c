"""A web process is killed between a visitor's message and its ack; a worker while the answer is on its way."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx2
import pytest

from bench.crew import CEDAR, KILLED, Crew, open_crew, until
from bench.nursery import Nursery
from runtime.runtime import Runtime
from store import channels

QUESTION = {"id": "mine", "text": "what are your opening hours?"}
SLOW = pytest.mark.slow
CHAT: dict[str, Any] = CEDAR | {"channels": [*CEDAR["channels"], {"kind": "webchat", "debounce": "0.2s"}]}


@pytest.fixture
async def crew(rt: Runtime, tmp_path: Path, redis_url: str | None, nursery: Nursery) -> AsyncIterator[Crew]:
    async with open_crew(rt, tmp_path, redis_url, [CHAT], nursery) as opened:
        yield opened


async def url_of(crew: Crew) -> str:
    async with crew.rt.db.transaction(crew.workspace_id) as tx:
        row = next(one for one in await channels.listed(tx) if one.kind == "webchat")
    return f"{crew.url('web')}/channels/{row.id}"


async def token_of(crew: Crew, url: str) -> dict[str, str]:
    said = (await crew.rt.http.post(f"{url}/sessions", json={})).json()
    return {"authorization": f"Bearer {said['token']}"}


async def shown(crew: Crew, url: str, headers: dict[str, str]) -> list[tuple[int, str]]:
    frames = (await crew.rt.http.get(f"{url}/chat?after=0", headers=headers)).json()["frames"]
    return [(one["seq"], one["author"]) for one in frames]


async def test_killed_between_save_and_ack_the_same_id_again_is_one_message(crew: Crew) -> None:
    web = await crew.start("web", crash_at="chat_saved")
    url = await url_of(crew)
    headers = await token_of(crew, url)
    with pytest.raises(httpx2.HTTPError):
        await crew.rt.http.post(f"{url}/chat", json=QUESTION, headers=headers)
    assert await web.wait() in KILLED
    await crew.start("web")
    await crew.start("worker")
    for _ in range(2):
        ack = await crew.rt.http.post(f"{url}/chat", json=QUESTION, headers=headers)
        assert (ack.status_code, ack.json()["seq"]) == (201, 1)

    async def answered() -> bool:
        return await shown(crew, url, headers) == [(1, "visitor"), (2, "assistant")]

    await until(answered, "after the kill", crew)


@pytest.mark.parametrize(
    "step",
    [
        pytest.param("delivery_sending", marks=SLOW),
        "delivery_sent",
        pytest.param("delivery_recorded", marks=SLOW),
    ],
)
async def test_a_worker_killed_while_it_delivers_shows_the_answer_once(crew: Crew, step: str) -> None:
    await crew.start("web")
    url = await url_of(crew)
    headers = await token_of(crew, url)
    doomed = await crew.start("doomed", crash_at=step)
    assert (await crew.rt.http.post(f"{url}/chat", json=QUESTION, headers=headers)).status_code == 201
    assert await doomed.wait() in KILLED
    await crew.start("heir")

    async def answered() -> bool:
        return len(await shown(crew, url, headers)) >= 2

    await until(answered, f"after {step}", crew)
    assert await shown(crew, url, headers) == [(1, "visitor"), (2, "assistant")]
