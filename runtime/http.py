"""The one place where clients of other people's servers are opened."""

import httpx2

Client = httpx2.AsyncClient  # noqa: TID251  (the name for types; nobody else opens one)


def open_client() -> Client:
    """No redirects (whoever wants one looks at it first), no proxies from the environment, always a time limit."""
    timeout = httpx2.Timeout(10.0, connect=5.0)
    limits = httpx2.Limits(max_connections=100, max_keepalive_connections=20)
    return Client(timeout=timeout, limits=limits, follow_redirects=False, trust_env=False)
