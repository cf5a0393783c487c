"""How often the intent is right, and how often a stranger is recognised as one."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from sklearn.metrics import roc_auc_score

from dialogue.understand.examples import Example
from dialogue.understand.model import Guess, Model, train
from dialogue.understand.sentences import letters
from frontdesk.quality.figures import OfClass, Stopwatch, accuracy, by_class, macro_f1, share
from frontdesk.quality.labelled import OUT_OF_SCOPE, Sentence, read
from frontdesk.quality.sheet import Section
from knowledge.embedding.minilm import MiniLM


@dataclass(frozen=True, slots=True)
class Found:
    """`accuracy` and `macro_f1`: the best intent is right, in-scope messages only. `accepted`: it is right and
    sure enough to be used. `oos_recall`: of the strangers, those refused; `oos_precision`: of what was refused,
    the strangers. `oos_auroc`: how often a stranger is less sure than somebody in scope. `oos_recall_at_5`: of the
    strangers, those under the confidence under which 5% of the messages in scope are. All are None without strangers."""

    accuracy: float
    macro_f1: float
    oos_recall: float | None
    oos_precision: float | None
    oos_auroc: float | None
    oos_recall_at_5: float | None
    train_s: float
    p50_ms: float
    p99_ms: float
    n: int
    accepted: float
    threshold: float
    by_class: dict[str, OfClass]

    def as_json(self) -> dict[str, object]:
        return asdict(self)


def measure(
    known: Sequence[Sentence], asked: Sequence[Sentence], strangers: Sequence[Sentence] = ()
) -> Found:
    """Every message alone, as a turn does it. `known` may hold the label `oos` too, and so may `asked`."""
    embed = MiniLM(kept=1).vectors
    started = time.perf_counter()
    model = train([Example(one.text, one.label, "") for one in known], embed)
    train_s = time.perf_counter() - started
    watch = Stopwatch()
    everything = [*asked, *(Sentence(one.text, OUT_OF_SCOPE) for one in strangers)]
    model.guess("warm")
    guesses = [watch.time(lambda text=one.text: model.guess(text)) for one in everything]  # type: ignore[misc]
    inside = [(g, s) for g, s in zip(guesses, everything, strict=True) if s.label != OUT_OF_SCOPE]
    gold, best = [s.label for _, s in inside], [g.intent for g, _ in inside]
    refused = [_refused(guess, model) for guess in guesses]
    strange = [one.label == OUT_OF_SCOPE for one in everything]
    caught = sum(a and b for a, b in zip(refused, strange, strict=True))
    sure = [_sureness(guess) for guess in guesses]
    accepted = sum(g.intent == s.label and not _refused(g, model) for g, s in inside)
    return Found(
        accuracy(gold, best),
        macro_f1(gold, best),
        share(caught, sum(strange)),
        share(caught, sum(refused)) if any(strange) else None,
        *_apart_by(sure, strange),
        round(train_s, 2),
        watch.percentile(0.5),
        watch.percentile(0.99),
        len(inside),
        share(accepted, len(inside)) or 0.0,
        round(model.threshold, 4),
        by_class(gold, best),
    )


def _sureness(guess: Guess) -> float:
    """Of being in scope."""
    return 0.0 if guess.intent == OUT_OF_SCOPE else guess.confidence


def _apart_by(sure: Sequence[float], strange: Sequence[bool]) -> tuple[float | None, float | None]:
    """The area under the curve, and the recall where one in twenty in scope is refused."""
    if not any(strange) or all(strange):
        return None, None
    line = float(np.quantile([one for one, other in zip(sure, strange, strict=True) if not other], 0.05))
    under = sum(one < line for one, other in zip(sure, strange, strict=True) if other)
    area = float(roc_auc_score([not one for one in strange], sure))
    return round(area, 4), share(under, sum(strange))


def _refused(guess: Guess, model: Model) -> bool:
    return guess.intent == OUT_OF_SCOPE or guess.confidence < model.threshold


CLINC, BANKING = "clinc150", "banking77"
SETS = (
    ("CLINC150, all", 0.963, CLINC, "train.csv", "val.csv", "oos_val.csv"),
    ("CLINC150, 10 each", 0.901, CLINC, "train_10.csv", "val.csv", "oos_val.csv"),
    ("CLINC150, 5 each", 0.874, CLINC, "train_5.csv", "val.csv", "oos_val.csv"),
    ("BANKING77, all", 0.942, BANKING, "train.csv", "valid.csv", ""),
    ("BANKING77, 10 each", 0.861, BANKING, "train_10.csv", "valid.csv", ""),
    ("BANKING77, 5 each", 0.808, BANKING, "train_5.csv", "valid.csv", ""),
    ("BANKING, 50 intents, near strangers", None, BANKING, "oos50_train.csv", "oos50_valid.csv", "oos50_id_oos_valid.csv"),
    ("SNIPS", 0.980, "snips", "train.jsonl.gz", "valid.jsonl", ""),
)  # fmt: skip
"""Name, the best accuracy of the eight usual heads on the set's official test file, and the files that are here."""


def _rows(data: Path) -> Iterator[Sequence[object]]:
    for name, best, folder, known, asked, strangers in SETS:
        here = data / folder
        if (here / known).exists() and (here / asked).exists():
            others = read(here / strangers) if strangers else []
            questions = read(here / asked)
            yield _row(name, best, measure(_apart(read(here / known), questions), questions, others))


def _apart(known: Sequence[Sentence], asked: Sequence[Sentence]) -> list[Sentence]:
    """BANKING77's development file is a part of its training file: what is asked is not learnt."""
    taken = {letters(one.text) for one in asked}
    return [one for one in known if letters(one.text) not in taken]


def _row(name: str, best: float | None, found: Found) -> Sequence[object]:
    return (
        name, found.n, found.accuracy, best, found.macro_f1, found.accepted, found.oos_recall, found.oos_precision,
        found.oos_auroc, found.oos_recall_at_5, found.train_s, found.p50_ms, found.p99_ms,
    )  # fmt: skip


SECTION = Section(
    "intents",
    "Intents",
    "Learnt from the training file of each set, asked with its development file: `frontdesk eval intents`. "
    "*Accuracy* counts the best intent; *usual* is the best of eight usual heads (support vector machines, nearest "
    "neighbours, regressions, on words, meaning or both) on the set's official test file, which is another file; on "
    "BANKING77's development file the best of them has 0.938, 0.862 and 0.803. *Accepted* counts it only when it was "
    "sure enough to be used, which is decided on the training file alone, and so are *oos recall* and *oos precision*: "
    "CLINC150's development file has one stranger to thirty messages in scope, so that refusing one in ten of these "
    "makes precision small. *At 5 %* is the recall where one in twenty in scope is refused. The heads' shares and "
    "sharpness were chosen by cross-validation on the training files. A message that is in both files is not learnt. "
    "Milliseconds are one message, everything included.",
    (
        "set", "messages", "accuracy", "usual", "macro F1", "accepted", "oos recall", "oos precision",
        "oos AUROC", "oos recall at 5 %", "training s", "p50 ms", "p99 ms",
    ),
    _rows,
)  # fmt: skip
