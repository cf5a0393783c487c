"""The understander of the tests: what one of their processes has learnt the others read. Learning takes longer than most
tests, and every process would learn the same some twenty sets of examples."""

import fcntl
import pickle
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from hashlib import sha256
from os import environ  # noqa: TID251  (of the tests, not of the product)
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import TYPE_CHECKING

from dialogue.understand.examples import Example
from dialogue.understand.local import LocalUnderstander
from knowledge.embedding.minilm import MiniLM

if TYPE_CHECKING:
    from dialogue.understand.model import Embed, Model

MINILM = MiniLM(threads=1)
_FOLDER = "FRONTDESK_TESTS_LEARNT"


class Learnt(LocalUnderstander):
    """Keeps everything, in the folder of this run of the tests: never what an older version of us has learnt."""

    def __init__(self, meaning: "Callable[[], Embed | None]", folder: Path) -> None:
        super().__init__(meaning)
        self._folder = folder

    def _model(self, examples: tuple[Example, ...]) -> "Model":
        key = hash(examples)
        with self._learning:
            if key not in self._models:
                self._models[key] = self._shared(examples)
            return self._models[key]

    def _shared(self, examples: tuple[Example, ...]) -> "Model":
        from dialogue.understand.model import train

        file = self._folder / sha256(repr(examples).encode(errors="surrogatepass")).hexdigest()
        with _alone(file.with_suffix(".lock")):
            if not file.exists():
                model = train(examples, self._embed)
                file.write_bytes(pickle.dumps(replace(model, embed=None)))
                return model
        read: Model = pickle.loads(file.read_bytes())  # noqa: S301  (we wrote it a minute ago)
        return replace(read, embed=self._embed)


@contextmanager
def _alone(lock: Path) -> Iterator[None]:
    with lock.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


@cache
def understander() -> Learnt:
    """One for each process."""
    return Learnt(lambda: MINILM.vectors, Path(environ[_FOLDER]))


def begin() -> None:
    """Once for all processes of pytest-xdist, which inherit it."""
    environ[_FOLDER] = mkdtemp(prefix="frontdesk-learnt-")


def end() -> None:
    rmtree(environ.pop(_FOLDER))
