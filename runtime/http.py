"""The one place where clients of other people's servers are opened."""

import asyncio
import ipaddress
import socket
from collections.abc import Collection, Iterable
from typing import Any

import httpcore2
import httpx2

Client = httpx2.AsyncClient  # noqa: TID251  (the name for types; nobody else opens one)

PORTS = frozenset({80, 443})
_UNWRAPPED = tuple(
    ipaddress.ip_network(one)
    for one in (
        "64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32", "192.0.0.0/24", "192.88.99.0/24", "198.18.0.0/15",
        "100.64.0.0/10", "::/96",
    )
)  # fmt: skip
"""What Python calls global and is not, or leads to what is inside it: NAT64, 6to4, Teredo, shared and test ranges."""


class NotPublic(Exception):
    """The name leads to an address of the inside, or to none."""


class NotAllowed(NotPublic):
    """It would be reached if the operator named its host."""


def open_client(transport: httpx2.AsyncHTTPTransport | None = None) -> Client:
    """No redirects (whoever wants one looks at it first), no proxies from the environment, always a time limit."""
    timeout = httpx2.Timeout(10.0, connect=5.0)
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
    return Client(
        timeout=timeout, limits=limits, follow_redirects=False, trust_env=False, transport=transport
    )


def open_public_client(inside: Collection[str] = ()) -> Client:
    """For addresses that strangers name: it connects to public addresses only, to the very address that it checked,
    on the ports of the web. `inside` are hosts ("wiki.example.com", "127.0.0.1:8080") that may be elsewhere."""
    transport = httpx2.AsyncHTTPTransport(trust_env=False)
    pool: Any = (
        transport._pool
    )  # the one place where httpcore takes another network is not passed through by httpx
    pool._network_backend = PublicNetwork(pool._network_backend, inside)
    return open_client(transport)


def open_no_client() -> Client:
    """For addresses that strangers name, where nobody is to be reached: every request raises NotPublic."""
    return open_client(_Nowhere())


class _Nowhere(httpx2.AsyncHTTPTransport):
    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        raise NotPublic("nobody is reached from here")


class PublicNetwork(httpcore2.AsyncNetworkBackend):
    """Names are looked up here, once: what is checked is what is connected to, whatever the name says a moment later."""

    def __init__(self, inner: httpcore2.AsyncNetworkBackend, inside: Collection[str] = ()) -> None:
        self._inner, self._inside = inner, frozenset(one.lower() for one in inside)

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109  (the interface's)
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        if not {host.lower(), f"{host.lower()}:{port}"} & self._inside:
            if port not in PORTS:
                raise NotAllowed(f"port {port}")
            host = await public_address(host, port)
        return await self._inner.connect_tcp(host, port, timeout, local_address, socket_options)

    async def connect_unix_socket(
        self,
        path: str,
        timeout: float | None = None,  # noqa: ASYNC109
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore2.AsyncNetworkStream:
        raise NotPublic("a socket of this machine")

    async def sleep(self, seconds: float) -> None:
        await self._inner.sleep(seconds)


async def public_address(host: str, port: int) -> str:
    """The first address of the name. Raise NotPublic when there is none, NotAllowed unless every one is public."""
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (socket.gaierror, UnicodeError, OSError):
        raise NotPublic("there is no such name") from None
    addresses = [str(one[4][0]) for one in found]
    if not addresses or not all(is_public(one) for one in addresses):
        raise NotAllowed("an address of the inside")
    return addresses[0]


def is_public(address: str) -> bool:
    """Whether it belongs to the open internet."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    mapped = getattr(found, "ipv4_mapped", None)
    if mapped is not None:
        return is_public(str(mapped))
    if "%" in address or found.is_multicast or not found.is_global:
        return False
    return not any(found in one for one in _UNWRAPPED if one.version == found.version)
