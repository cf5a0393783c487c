"""One sitting at the terminal phone: lines are texted or are commands, and news is told. Reads no keyboard."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass

from frontdesk.talk import Json, Talk, TalkFailed, is_quiet
from frontdesk.telling import Tell

LOOK_S, QUIET_S = 0.4, 30.0
HELP = """Whatever you type is texted to the business. Besides:
  /why                    why it answered as it did
  /context                what it knows of you
  /drafts                 answers that wait for a person's yes
  /approve [N] [words]    send one, as it is or in other words
  /reject [N]             do not send it
  /reply words            answer as a person of the business
  /takeover, /release     a person answers from now on; the assistant again
  /quit                   or Ctrl-D"""


@dataclass(slots=True)
class Session:
    talk: Talk
    tell: Tell
    worked: bool = True
    ended: bool = False

    async def begin(self) -> None:
        """What lies there from before is not news."""
        await self.talk.news()
        self.talk.new_drafts(await self.talk.desk())
        self.say("ready", f"{self.talk.introduction()} /help says what else there is.")

    async def script(self, lines: AsyncIterator[str]) -> None:
        """Line by line: sent, then waited for."""
        async for line in lines:
            if line.strip():
                await self.take(line.strip(), echo=True)
                await self.settle()
            if self.ended:
                return

    async def live(self, lines: AsyncIterator[str]) -> None:
        """Whatever is typed, whenever; what arrives is told meanwhile."""
        looking = asyncio.create_task(self._keep_looking())
        try:
            async for line in lines:
                if line.strip():
                    await self.take(line.strip(), echo=False)
                if self.ended:
                    return
        finally:
            looking.cancel()

    async def take(self, line: str, *, echo: bool) -> None:
        """One line: a command, or words for the business."""
        try:
            if line.startswith("/"):
                name, _, rest = line[1:].partition(" ")
                await COMMANDS.get(name, _unknown)(self, rest.strip())
            else:
                await self._text(line, echo)
        except TalkFailed as error:
            if error.away:
                raise
            self.complain(str(error))

    async def _text(self, words: str, echo: bool) -> None:
        said = await self.talk.send(words)
        if echo:
            self.tell({"event": "sent", "text": words, "sid": said["sid"]})
        if not said["delivered"]:
            self.complain("the business did not take this message; its log says why")

    async def settle(self) -> None:
        """Until it has answered, or decided not to; prints what comes meanwhile."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + QUIET_S
        while not await self.look():
            if loop.time() > deadline:
                return self.complain(f"no answer within {QUIET_S:.0f} s")
            await asyncio.sleep(LOOK_S)

    async def look(self) -> bool:
        """Tell the news; return whether nothing more is to come."""
        desk = await self.talk.desk()
        for one in await self.talk.news():
            told = {name: one[name] for name in ("sid", "status", "error_code", "at")}
            self.tell({"event": "message", "name": self.talk.business.name, "text": one["body"], **told})
        for draft in self.talk.new_drafts(desk):
            self.tell({"event": "draft", "n": desk["drafts"].index(draft) + 1, **draft})
        return is_quiet(desk)

    async def _keep_looking(self) -> None:
        while True:
            with contextlib.suppress(TalkFailed):
                await self.look()
            await asyncio.sleep(LOOK_S * 2)

    def say(self, event: str, text: str) -> None:
        self.tell({"event": event, "text": text})

    def complain(self, text: str) -> None:
        self.worked = False
        self.say("error", text)


async def _why(session: Session, rest: str) -> None:
    turns = (await session.talk.conversation())["turns"]
    if not turns:
        return session.say("done", "it has not answered yet")
    answered = (one for one in turns if one["intent"] is not None)  # what rules did beside it follows on it
    session.tell({"event": "why", **next(answered, turns[0])})


async def _context(session: Session, rest: str) -> None:
    fields = (await session.talk.conversation())["fields"]
    for one in fields:
        session.tell({"event": "field", **one})
    if not fields:
        session.say("done", "nothing is known of you yet")


async def _drafts(session: Session, rest: str) -> None:
    drafts = (await session.talk.desk())["drafts"]
    for n, one in enumerate(drafts, 1):
        session.tell({"event": "draft", "n": n, **one})
    if not drafts:
        session.say("done", "no draft waits")


async def _approve(session: Session, rest: str) -> None:
    draft, words = await _chosen(session, rest)
    body = {"text": words} if words else {}
    await session.talk.act(f"drafts/{draft['id']}/approve", body, draft["version"])
    session.say("done", "approved, in your words" if words else "approved")


async def _reject(session: Session, rest: str) -> None:
    draft, words = await _chosen(session, rest)
    await session.talk.act(
        f"drafts/{draft['id']}/reject", {"reason": words} if words else {}, draft["version"]
    )
    session.say("done", "rejected; nothing was sent")


async def _chosen(session: Session, rest: str) -> tuple[Json, str]:
    """(draft, the words after its number). Without a number: this conversation's, or the only one."""
    desk = await session.talk.desk()
    drafts, here = desk["drafts"], desk["conversation"] and desk["conversation"]["id"]
    first, _, words = rest.partition(" ")
    if first.isdecimal() and 1 <= int(first) <= len(drafts):
        return drafts[int(first) - 1], words.strip()
    own = [one for one in drafts if one["conversation_id"] == here] or drafts
    if len(own) != 1:
        raise TalkFailed(
            "several drafts wait: name one, as /drafts numbers them" if own else "no draft waits"
        )
    return own[0], rest


async def _reply(session: Session, rest: str) -> None:
    if not rest:
        raise TalkFailed("write the words after it: /reply I will call you at noon")
    here = await session.talk.conversation()
    await session.talk.act(f"conversations/{here['id']}/messages", {"text": rest})
    session.say("done", "replied as a person; the assistant is silent for now")


async def _takeover(session: Session, rest: str) -> None:
    await session.talk.act(f"conversations/{(await session.talk.conversation())['id']}/takeover")
    session.say("done", "a person answers from now on")


async def _release(session: Session, rest: str) -> None:
    await session.talk.act(f"conversations/{(await session.talk.conversation())['id']}/release")
    session.say("done", "the assistant answers again")


async def _help(session: Session, rest: str) -> None:
    session.say("help", HELP)


async def _quit(session: Session, rest: str) -> None:
    session.ended = True


async def _unknown(session: Session, rest: str) -> None:
    session.complain("there is no such command; /help lists them")


Command = Callable[[Session, str], Awaitable[None]]
COMMANDS: dict[str, Command] = {
    "why": _why,
    "context": _context,
    "drafts": _drafts,
    "approve": _approve,
    "reject": _reject,
    "reply": _reply,
    "takeover": _takeover,
    "release": _release,
    "help": _help,
    "quit": _quit,
}
