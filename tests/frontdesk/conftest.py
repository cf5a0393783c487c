from collections.abc import Callable
from pathlib import Path

import pytest

from store.embedded import EmbeddedPostgres
from tests.frontdesk.cli_rig import Place, new_place


@pytest.fixture
def make_place(postgres: EmbeddedPostgres, tmp_path: Path) -> Callable[[], Place]:
    made = iter(range(9))
    return lambda: new_place(postgres, tmp_path / f"data-{next(made)}")


@pytest.fixture
def place(make_place: Callable[[], Place]) -> Place:
    return make_place()
