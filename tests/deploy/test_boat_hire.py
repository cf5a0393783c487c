"""docs/how-to/boat_hire.py does what it says: a business that nobody knew, set up over HTTP, holds its conversation."""

import asyncio
import importlib.util
from collections.abc import Awaitable, Callable
from typing import Any

from store import people
from tests.rig import ROOT, Desk

SCRIPT = ROOT / "docs" / "how-to" / "boat_hire.py"


def load() -> Any:
    spec = importlib.util.spec_from_file_location("boat_hire", SCRIPT)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def test_a_boat_hire_through_the_api_alone(make_desk: Callable[..., Awaitable[Desk]]) -> None:
    desk, script = await make_desk(), load()
    async with desk.rt.db.transaction(desk.workspace_id) as tx:
        key = await people.add_key(tx, "script", desk.person_id)
    ask = script.at(desk.rt.settings.public_url, str(desk.workspace_id), key)
    await asyncio.to_thread(script.configure, ask)
    await asyncio.to_thread(script.configure, ask)  # again changes nothing
    for words in script.CONVERSATION:
        await desk.text(words)
        await desk.settle()
        desk.wait(minutes=1)
    talk = await desk.conversation()
    context = await asyncio.to_thread(ask, "GET", f"/contexts/{talk.id}")
    values = {name: one["value"] for name, one in context["values"].items()}
    said = "\n".join(f"{one.author}: {one.text}" for one in await desk.messages())
    assert values.pop("pickup") == "2026-03-07T10:00:00-06:00", said
    assert values == script.FILLED, said
    assert len(values) + 1 == 12
    assert (context["status"], context["missing"], context["completion"]) == ("ready", [], 1.0)
    assert len(script.CONVERSATION) == 10
    rules = (await asyncio.to_thread(ask, "GET", "/analytics/rules"))["rules"]
    assert {one["rule"]: one["times"] for one in rules} == {
        "a large party": 1, "a celebration": 1, "ready for a contract": 1, "still there?": 0,
    }, said  # fmt: skip
    assert "We will dress the boat for the birthday." in said
    assert (await ask_in_thread(ask, f"/contexts/{talk.id}/history?field=guests"))["items"][0]["from"] == 6
    versions = (await ask_in_thread(ask, "/schemas/hire/versions"))["items"]
    assert [one["version"] for one in versions] == [1]


async def ask_in_thread(ask: Callable[..., Any], path: str) -> Any:
    return await asyncio.to_thread(ask, "GET", path)
