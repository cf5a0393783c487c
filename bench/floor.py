"""The least that a durable webhook can cost in Python: a bare ASGI application that checks Twilio's signature and
inserts one row, durably. `python -m bench.floor PORT DATABASE_URL PUBLIC_URL AUTH_TOKEN`, until killed."""

import asyncio
import base64
import hmac
import sys
from hashlib import sha1
from typing import Any
from urllib.parse import parse_qsl

import psycopg
import uvicorn
import uvloop

POOL = 8
TABLE = "create table if not exists bench_floor (sid text primary key, payload bytea not null)"
_INSERT = "insert into bench_floor values (%s, %s) on conflict do nothing"
_ACK = b"<Response/>"


class Floor:
    def __init__(self, public_url: str, auth_token: str) -> None:
        self._url, self._token = public_url, auth_token.encode()
        self._pool: asyncio.Queue[psycopg.AsyncConnection[Any]] = asyncio.Queue()

    async def open(self, database_url: str) -> None:
        for _ in range(POOL):
            await self._pool.put(await psycopg.AsyncConnection.connect(database_url, autocommit=True))

    async def __call__(self, scope: Any, receive: Any, send: Any) -> None:
        body, more = b"", True
        while more:
            event = await receive()
            body, more = body + event["body"], event["more_body"]
        form = parse_qsl(body.decode(), keep_blank_values=True)
        given = dict(scope["headers"]).get(b"x-twilio-signature", b"")
        signed = self._url + scope["path"] + "".join(key + value for key, value in sorted(form))
        genuine = base64.b64encode(hmac.new(self._token, signed.encode(), sha1).digest())
        status = 200 if hmac.compare_digest(genuine, given) else 403
        if status == 200:
            await self._insert(dict(form)["MessageSid"], body)
        headers = [(b"content-type", b"text/xml"), (b"content-length", b"%d" % len(_ACK))]
        await send({"type": "http.response.start", "status": status, "headers": headers})
        await send({"type": "http.response.body", "body": _ACK})

    async def _insert(self, sid: str, body: bytes) -> None:
        connection = await self._pool.get()
        try:
            await connection.execute(_INSERT, (sid, body))
        finally:
            self._pool.put_nowait(connection)


async def main(port: int, database_url: str, public_url: str, auth_token: str) -> None:
    floor = Floor(public_url, auth_token)
    await floor.open(database_url)
    config = uvicorn.Config(floor, port=port, log_config=None, access_log=False, lifespan="off")
    await uvicorn.Server(config).serve()


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), *sys.argv[2:5]))
