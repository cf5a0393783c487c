"""Vectors from OpenAI, or from any server that speaks its wire.

Source: https://platform.openai.com/docs/api-reference/embeddings/create
"""

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import httpx2
from tenacity import AsyncRetrying, RetryCallState, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_random_exponential

from domain.errors import TurnFailed
from knowledge.embedding.choice import KNOWN

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Vectors = NDArray[np.float32]

SHORTENS = "text-embedding-3"
"""Models of this family give fewer dimensions when asked to; others refuse the question."""
BATCH_TEXTS, BATCH_CHARACTERS = 256, 200_000
"""A request may hold 2,048 texts and 300,000 tokens."""
LONGEST = 8_000
"""Characters that are read of a text: a text may have 8,192 tokens, and hardly a language has more than one a
character."""
ATTEMPTS = 4
DEADLINE_S = 30.0


class _Again(TurnFailed):
    """The same request may succeed later. `after_s` is what the server asked for."""

    def __init__(self, detail: str, after_s: float = 0.0) -> None:
        super().__init__(detail)
        self.after_s = after_s


class OpenAIEmbedder:
    """The port's citizen at a provider."""

    def __init__(
        self,
        http: httpx2.AsyncClient,  # noqa: TID251  (handed in)
        base_url: str,
        key: str,
        name: str,
        dimensions: int | None = None,
        *,
        deadline_s: float = DEADLINE_S,
        backoff_s: float = 0.5,
    ) -> None:
        """`base_url` ends in /v1. `dimensions` may be left out for a model in KNOWN."""
        self._http, self._url, self._name = http, f"{base_url.rstrip('/')}/embeddings", name
        self._headers = {"Authorization": f"Bearer {key}"} if key else {}
        self._dimensions = dimensions or KNOWN[name]
        self._deadline_s, self._backoff = deadline_s, wait_random_exponential(backoff_s, max=8)

    @property
    def model(self) -> str:
        return f"openai:{self._name}@{self._dimensions}"

    @property
    def dimensions(self) -> int:
        return self._dimensions

    async def embed(self, texts: Sequence[str]) -> "Vectors":
        """Shape (len(texts), dimensions). Raise TurnFailed when there is no usable answer within the deadline."""
        import numpy as np

        out = np.zeros((0, self._dimensions), np.float32)
        try:
            async with asyncio.timeout(self._deadline_s):
                for batch in _batches(texts):
                    out = np.concatenate([out, await self._ask(batch)])
        except TimeoutError as error:
            raise TurnFailed(f"{self._name}: no answer within {self._deadline_s:g} s") from error
        return out

    async def _ask(self, texts: Sequence[str]) -> "Vectors":
        async for attempt in AsyncRetrying(
            retry=retry_if_exception_type(_Again),
            stop=stop_after_attempt(ATTEMPTS),
            wait=self._wait,
            reraise=True,
        ):
            with attempt:
                return self._read(await self._post(texts), len(texts))
        raise AssertionError("tenacity raises, or returns")

    def _wait(self, state: RetryCallState) -> float:
        failed = state.outcome.exception() if state.outcome else None
        return max(self._backoff(state), failed.after_s if isinstance(failed, _Again) else 0.0)

    async def _post(self, texts: Sequence[str]) -> httpx2.Response:
        body: dict[str, Any] = {"model": self._name, "input": list(texts), "encoding_format": "float"}
        if self._name.startswith(SHORTENS):
            body["dimensions"] = self._dimensions
        try:
            answer = await self._http.post(self._url, json=body, headers=self._headers)
        except httpx2.InvalidURL as error:
            raise TurnFailed(f"{self._name}: OPENAI_BASE_URL is no address") from error
        except httpx2.HTTPError as error:
            raise _Again(f"{self._name}: {type(error).__name__}") from error
        if answer.status_code in (408, 409, 429) or answer.status_code >= 500:
            raise _Again(
                f"{self._name}: the server answers {answer.status_code}", _retry_after(answer.headers)
            )
        if answer.status_code != 200:
            raise TurnFailed(f"{self._name}: refused with {answer.status_code}{_code(answer)}")
        return answer

    def _read(self, answer: httpx2.Response, count: int) -> "Vectors":
        """In the order of the texts, whatever order they came in, and of unit length."""
        import numpy as np

        try:
            rows = sorted(answer.json()["data"], key=lambda row: int(row["index"]))
            found = np.array([row["embedding"] for row in rows], np.float32)
        except (ValueError, KeyError, TypeError) as error:
            raise _Again(f"{self._name}: the answer is not what the wire promises") from error
        if found.shape != (count, self._dimensions):
            said = (
                f"{self._name}: answered with vectors of shape {found.shape}, not {(count, self._dimensions)}"
            )
            raise TurnFailed(f"{said}; say the right one: FRONTDESK_EMBEDDER=openai:{self._name}@DIMENSIONS")
        lengths = np.linalg.norm(found, axis=1, keepdims=True)
        if not np.isfinite(lengths).all() or not lengths.all():
            raise TurnFailed(f"{self._name}: answered with a vector that has no direction")
        return np.asarray(found / lengths, np.float32)


def _batches(texts: Sequence[str]) -> Iterator[list[str]]:
    """An empty text would be refused; a blank gives a vector. Halves of surrogate pairs cannot be sent."""
    batch, size = list[str](), 0
    for text in texts:
        sent = text[:LONGEST].encode("utf-8", "replace").decode() or " "
        if batch and (len(batch) == BATCH_TEXTS or size + len(sent) > BATCH_CHARACTERS):
            yield batch
            batch, size = [], 0
        batch, size = [*batch, sent], size + len(sent)
    if batch:
        yield batch


def _retry_after(headers: Mapping[str, str]) -> float:
    """In seconds; a date, which the wire also allows, is not waited for."""
    value = headers.get("retry-after", "")
    return min(float(value), 10.0) if value.isdigit() else 0.0


def _code(answer: httpx2.Response) -> str:
    """The provider's word for it; its message may repeat what was sent."""
    try:
        error = answer.json()["error"]
        return f" ({error.get('code') or error['type']})"
    except (ValueError, KeyError, TypeError, AttributeError):
        return ""
