"""What a process tells of itself: figures for Prometheus, ids for its log lines. Never a name, a number, a word, nor
which business it was."""

from typing import TYPE_CHECKING
from uuid import UUID

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram
from prometheus_client.exposition import generate_latest
from structlog.contextvars import bind_contextvars

from store import queues
from store.db import UNAVAILABLE

if TYPE_CHECKING:
    from runtime.runtime import Runtime

REGISTRY = CollectorRegistry(auto_describe=True)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

_QUICK = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
_WAITING = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200)

WEBHOOKS = Counter(
    "frontdesk_webhooks_total", "Webhooks answered, by door and what became of them.", ["door", "outcome"],
    registry=REGISTRY,
)  # fmt: skip
WEBHOOK_SECONDS = Histogram(
    "frontdesk_webhook_seconds",
    "From the request to our answer.",
    ["door"],
    buckets=_QUICK,
    registry=REGISTRY,
)
TURNS = Counter(
    "frontdesk_turns_total", "Turns ended: saved (by action), superseded, fenced, nothing to do, failed.",
    ["outcome", "action"], registry=REGISTRY,
)  # fmt: skip
STAGES = Histogram(
    "frontdesk_stage_seconds",
    "How long a message spends: waiting (stored to claimed, with the wait for a quiet burst), thinking (claimed to"
    " answered), saving (answered to saved), queued (saved to handed to the provider), sending (the provider's answer).",
    ["stage"], buckets=_WAITING, registry=REGISTRY,
)  # fmt: skip
MODELS = Histogram(
    "frontdesk_model_seconds", "Attempts at language models: how long each took, by how it ended.",
    ["outcome"], buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16), registry=REGISTRY,
)  # fmt: skip
DELIVERIES = Counter(
    "frontdesk_deliveries_total",
    "Attempts to deliver: accepted, retry, failed, unknown, found (at the provider), absent, waits, refused (by our"
    " own gate).",
    ["outcome"], registry=REGISTRY,
)  # fmt: skip
LOST_WAKEUPS = Counter(
    "frontdesk_lost_wakeups_total", "Work found by polling that no hint had announced.", ["queue"],
    registry=REGISTRY,
)  # fmt: skip
LOOP_FAILURES = Counter(
    "frontdesk_loop_failures_total",
    "Work that broke for a reason nobody foresaw.",
    ["queue"],
    registry=REGISTRY,
)

_DATABASE = Gauge("frontdesk_database_up", "Whether the database answered this scrape.", registry=REGISTRY)
_POOL = Gauge(
    "frontdesk_pool_connections", "Database connections of this process.", ["state"], registry=REGISTRY
)
_OLDEST = Gauge(
    "frontdesk_oldest_due_seconds", "For how long the oldest due work waits; 0 when none does.", ["queue"],
    registry=REGISTRY,
)  # fmt: skip
_DUE = Gauge("frontdesk_due", "How much work is due and not yet done.", ["queue"], registry=REGISTRY)
_UNSETTLED = Gauge(
    "frontdesk_deliveries_unsettled", "Deliveries whose end is open, by state.", ["state"], registry=REGISTRY
)
_CHANNELS = Gauge(
    "frontdesk_channels", "Channels that do not send: suspended (a person must look), resting (the provider fails).",
    ["state"], registry=REGISTRY,
)  # fmt: skip


async def scrape(rt: "Runtime") -> bytes:
    """Everything, in Prometheus' words. What the database says of the queues is read now."""
    pool = rt.db.pool_use()
    _POOL.labels("in_use").set(pool.in_use)
    _POOL.labels("most").set(pool.most)
    try:
        async with rt.db.dispatch() as dispatch:
            state = await queues.look(dispatch)
    except UNAVAILABLE:
        _DATABASE.set(0)
        for gauge in (_OLDEST, _DUE, _UNSETTLED, _CHANNELS):
            gauge.clear()  # no figure rather than an old one
        return generate_latest(REGISTRY)
    _DATABASE.set(1)
    for queue in state.queues:
        _OLDEST.labels(queue.name).set(queue.oldest_s)
        _DUE.labels(queue.name).set(queue.due)
    for name, count in state.unsettled.items():
        _UNSETTLED.labels(name).set(count)
    _CHANNELS.labels("suspended").set(state.suspended)
    _CHANNELS.labels("resting").set(state.resting)
    return generate_latest(REGISTRY)


def about(**ids: UUID | str | None) -> None:
    """Log lines of this task carry these ids from here on."""
    bind_contextvars(**{name: str(value) for name, value in ids.items() if value})
