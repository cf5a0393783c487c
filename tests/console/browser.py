"""Headless Chromium over its debugging pipe, as much of it as a test of a page needs. Installs nothing."""

import asyncio
import itertools
import json
import os
import shutil
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--hide-scrollbars",
)
PATIENCE_S = 20.0


class Tab:
    """One page. `complaints` are its errors, and what its policy forbade."""

    def __init__(self, ask: Callable[..., Any]) -> None:
        self._ask = ask
        self.complaints: list[str] = []

    async def open(self, url: str, width: int, height: int, *, dark: bool = False) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 500}
        await self._ask("Emulation.setDeviceMetricsOverride", **size)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        await self._ask("Emulation.setEmulatedMedia", features=scheme)
        for domain in ("Page", "Runtime", "Log"):
            await self._ask(f"{domain}.enable")
        await self._ask("Page.navigate", url=url)

    async def run(self, script: str) -> Any:
        """The value of an expression in the page."""
        said = await self._ask("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def until(self, script: str) -> None:
        """Wait until the expression is true."""
        deadline = asyncio.get_running_loop().time() + PATIENCE_S
        while not await self.run(f"!!({script})"):
            if asyncio.get_running_loop().time() > deadline:
                pytest.fail(
                    f"never true: {script}\n{await self.run('document.body.innerText')}\n{self.complaints}"
                )
            await asyncio.sleep(0.05)

    async def click(self, selector: str, words: str = "") -> None:
        """Press the first visible thing there that says exactly these words."""
        chosen = json.dumps([selector, words])
        await self.until(
            f"(([s, w]) => {{ const n = [...document.querySelectorAll(s)].find((n) => n.checkVisibility() && !n.disabled"
            f" && (!w || n.textContent.trim() === w)); n?.click(); return !!n; }})({chosen})"
        )

    async def type(self, selector: str, words: str, key: str = "") -> None:
        """Put the words in by the keyboard, and press a key."""
        await self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        await self._ask("Input.insertText", text=words)
        if key:
            await self.press(key)

    async def press(self, key: str) -> None:
        codes = {"Enter": 13, "Tab": 9}
        what = {"key": key, "code": key, "windowsVirtualKeyCode": codes[key]}
        text = {"text": "\r"} if key == "Enter" else {}
        await self._ask("Input.dispatchKeyEvent", type="keyDown", **what, **text)
        await self._ask("Input.dispatchKeyEvent", type="keyUp", **what)

    def hear(self, event: dict[str, Any]) -> None:
        told = event["params"]
        match event["method"]:
            case "Runtime.exceptionThrown":
                self.complaints.append(told["exceptionDetails"].get("exception", {}).get("description", "?"))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.complaints.append(f"{told['entry']['text']} {told['entry'].get('url', '')}")


@asynccontextmanager
async def open_tab(profile: Path) -> AsyncIterator[Tab]:
    program = next((found for name in NAMES if (found := shutil.which(name))), None)
    if program is None:
        pytest.fail("this test needs Chromium, which is not installed: apt-get install -y chromium")
    read_in, write_in = os.pipe()
    read_out, write_out = os.pipe()
    pipes = f'exec 3<&{read_in} 4>&{write_out}; exec "$0" "$@"'
    process = await asyncio.create_subprocess_exec(
        "bash", "-c", pipes, program, *FLAGS, f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank",
        pass_fds=(read_in, write_out), stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    os.close(read_in)
    os.close(write_out)
    pipe = Pipe(write_in)
    listening = asyncio.create_task(pipe.listen(read_out))
    try:
        yield await pipe.tab()
    finally:
        process.terminate()
        await process.wait()
        listening.cancel()
        await asyncio.gather(listening, return_exceptions=True)
        os.close(write_in)


class Pipe:
    """Messages with a NUL after each. Source: https://chromedevtools.github.io/devtools-protocol/"""

    def __init__(self, write: int) -> None:
        self._write = write
        self._numbers = itertools.count(1)
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tab: Tab | None = None

    async def tab(self) -> Tab:
        targets = await self.ask("Target.getTargets")
        target = next(one["targetId"] for one in targets["targetInfos"] if one["type"] == "page")
        session = (await self.ask("Target.attachToTarget", targetId=target, flatten=True))["sessionId"]

        async def ask(method: str, **params: Any) -> dict[str, Any]:
            return await self.ask(method, session, **params)

        self._tab = Tab(ask)
        return self._tab

    async def ask(self, method: str, session: str | None = None, **params: Any) -> dict[str, Any]:
        number = next(self._numbers)
        message = {"id": number, "method": method, "params": params} | (
            {"sessionId": session} if session else {}
        )
        self._waiting[number] = asyncio.get_running_loop().create_future()
        os.write(self._write, json.dumps(message).encode() + b"\0")
        async with asyncio.timeout(PATIENCE_S):
            return await self._waiting[number]

    async def listen(self, read: int) -> None:
        reader = asyncio.StreamReader(limit=1 << 26)
        with os.fdopen(read, "rb", buffering=0) as opened:
            transport, _ = await asyncio.get_running_loop().connect_read_pipe(
                lambda: asyncio.StreamReaderProtocol(reader), opened
            )
            try:
                while True:
                    self._take(json.loads((await reader.readuntil(b"\0"))[:-1]))
            finally:
                transport.close()

    def _take(self, message: dict[str, Any]) -> None:
        if "id" in message:
            waiting = self._waiting.pop(message["id"])
            if not waiting.done():
                waiting.set_result(message.get("result") or {"error": message.get("error")})
        elif self._tab:
            self._tab.hear(message)
