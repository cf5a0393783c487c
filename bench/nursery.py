"""A process that has loaded our program once and forks the processes to be killed: a start costs a tenth of a
second instead of two, so that hundreds of kills fit into minutes. What runs in a fork is `frontdesk <command>`."""

import asyncio
import contextlib
import gc
import json
import os
import select
import signal
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any


@dataclass(slots=True)
class Child:
    """As much of asyncio's Process as a crew needs."""

    pid: int
    ended: "asyncio.Future[int]"

    @property
    def returncode(self) -> int | None:
        return self.ended.result() if self.ended.done() else None

    async def wait(self) -> int:
        return await asyncio.shield(self.ended)

    def send_signal(self, number: int) -> None:
        if self.returncode is None:
            os.kill(self.pid, number)

    def kill(self) -> None:
        self.send_signal(signal.SIGKILL)


@dataclass(slots=True)
class Nursery:
    _process: asyncio.subprocess.Process
    _children: dict[int, Child] = field(default_factory=dict)
    _born: "asyncio.Queue[int]" = field(default_factory=asyncio.Queue)
    _one: asyncio.Lock = field(default_factory=asyncio.Lock)
    _reader: "asyncio.Task[None] | None" = None

    @classmethod
    async def open(cls) -> "Nursery":
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-W", "ignore", "-m", "bench.nursery",
            stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
        )  # fmt: skip
        nursery = cls(process)
        nursery._reader = asyncio.create_task(nursery._listen())
        return nursery

    async def bear(self, command: Sequence[str], environ: Mapping[str, str], log: Path) -> Child:
        assert self._process.stdin is not None
        wish = {"command": list(command), "environ": dict(environ), "log": str(log)}
        async with self._one:
            self._process.stdin.write(json.dumps(wish).encode() + b"\n")
            await self._process.stdin.drain()
            return self._children[await asyncio.wait_for(self._born.get(), 60)]

    async def close(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.close()
        await self._process.wait()
        if self._reader is not None:
            await self._reader

    async def _listen(self) -> None:
        assert self._process.stdout is not None
        async for line in self._process.stdout:
            said = json.loads(line)
            if "born" in said:
                ended: asyncio.Future[int] = asyncio.get_running_loop().create_future()
                self._children[said["born"]] = Child(said["born"], ended)
                self._born.put_nowait(said["born"])
            else:
                self._children.pop(said["dead"]).ended.set_result(said["code"])


def serve() -> None:
    """One wish a line on standard input; births and deaths, a line each, on standard output."""
    _learn()
    wakeup, told = os.pipe()
    os.set_blocking(told, False)
    signal.set_wakeup_fd(told)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    pending = b""
    while True:
        ready, _, _ = select.select([0, wakeup], [], [])
        if wakeup in ready:
            os.read(wakeup, 4096)
            _bury()
        if 0 in ready:
            got = os.read(0, 65536)
            if not got:
                return
            *wishes, pending = (pending + got).split(b"\n")
            for wish in wishes:
                _bear(json.loads(wish))


def _learn() -> None:
    """Two seconds of learning that each worker would spend again; the examples are the same for all."""
    import frontdesk.cli.serve
    import frontdesk.cli.worker  # noqa: F401
    from dialogue.understand import model
    from dialogue.understand.examples import with_own
    from dialogue.understand.local import LocalUnderstander
    from knowledge.embedding.minilm import MiniLM

    train, known = model.train, dict[int, Any]()

    def remembered(examples: Any, embed: Any = None) -> Any:
        key = hash(repr(examples))
        if key not in known:
            known[key] = train(examples, embed)
        return known[key]

    model.train = remembered
    minilm = MiniLM(threads=1)  # without threads of its own it survives a fork
    LocalUnderstander(lambda: minilm.vectors)._model(with_own({}))
    gc.freeze()  # or the collector would copy what the forks share


def _bear(wish: dict[str, Any]) -> None:
    pid = os.fork()
    if pid:
        _tell(born=pid)
        return
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    log = os.open(wish["log"], os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    nothing = os.open(os.devnull, os.O_RDONLY)
    for target, source in ((0, nothing), (1, log), (2, log)):
        os.dup2(source, target)
    os.environ.clear()  # noqa: TID251
    os.environ.update(wish["environ"])  # noqa: TID251
    sys.argv = ["frontdesk", *wish["command"]]
    code = 1
    try:
        from frontdesk.cli import main

        main()
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else 1
    finally:
        os._exit(code)


def _bury() -> None:
    with contextlib.suppress(ChildProcessError):
        while (found := os.waitpid(-1, os.WNOHANG))[0]:
            _tell(dead=found[0], code=os.waitstatus_to_exitcode(found[1]))


def _tell(**said: int) -> None:
    os.write(1, json.dumps(said).encode() + b"\n")


if __name__ == "__main__":
    serve()
