"""Taking a person's data away, the rows and the files together: for the command line and the API."""

from pathlib import Path
from uuid import UUID

from domain.errors import FrontdeskError
from store import erasure
from store.db import Tx
from store.erasure import Erased


class OutsideError(FrontdeskError):
    """A row speaks of a file that is not one of ours."""

    code = "file_outside"


async def erase(tx: Tx, data_dir: Path, contact_id: UUID, actor: str) -> tuple[Erased, int]:
    """What went, and how many of the files were gone already. Raise NotFound, or OutsideError: then nothing went."""
    erased = await erasure.erase(tx, contact_id, actor)
    return erased, _remove(data_dir, erased.files)


def _remove(data_dir: Path, files: tuple[str, ...]) -> int:
    """Before the commit: a row may speak of a file that is gone, but no file may outlive its row."""
    missing, root = 0, (data_dir / "files").resolve()
    paths = [(data_dir / name).resolve() for name in files]
    if not all(path.is_relative_to(root) for path in paths):
        raise OutsideError(
            f"an attachment lies outside {root}: nothing was erased; look at the attachment table"
        )
    for path in paths:
        missing += not path.exists()
        path.unlink(missing_ok=True)
        path.with_suffix(".part").unlink(missing_ok=True)
    return missing
