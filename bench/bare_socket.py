"""The least that a WebSocket server can do: greet, and pass on what is asked for over one of its sockets.
`python -m bench.bare_socket PORT`, until killed. "NAME TEXT" from anybody is sent to NAME; "* TEXT" to all."""

import sys
from typing import Any

import uvicorn
import uvloop

_sockets: dict[str, Any] = {}


async def app(scope: Any, receive: Any, send: Any) -> None:
    await receive()
    await send({"type": "websocket.accept"})
    name = (await receive()).get("text", "")
    _sockets[name] = send
    await send({"type": "websocket.send", "text": "ready"})
    while (event := await receive())["type"] == "websocket.receive":
        to, _, text = event["text"].partition(" ")
        for one in list(_sockets.values()) if to == "*" else [_sockets[to]]:
            await one({"type": "websocket.send", "text": text})
    _sockets.pop(name, None)


if __name__ == "__main__":
    config = uvicorn.Config(
        app, port=int(sys.argv[1]), log_config=None, access_log=False, lifespan="off",
        ws="websockets-sansio", ws_per_message_deflate=False,
    )  # fmt: skip
    uvloop.run(uvicorn.Server(config).serve())
