import json
import stat
from pathlib import Path

import pytest

from runtime import demo
from runtime.demo import BadDemo, Business, Demo

CLINIC = Business("clinic", "w1", "Cedar Dental", "+15125550199", "c1", "fd_key")
DEMO = Demo("http://127.0.0.1:8000", "http://127.0.0.1:8001", 7, (CLINIC,), "postgresql://x/y", "")


def test_what_is_written_is_read(tmp_path: Path) -> None:
    demo.write(tmp_path / "deep" / "er", DEMO)
    assert demo.read(tmp_path / "deep" / "er") == DEMO


def test_only_its_owner_may_read_it_and_an_older_one_is_replaced(tmp_path: Path) -> None:
    demo.file(tmp_path).write_text("{}")
    demo.file(tmp_path).chmod(0o644)
    demo.write(tmp_path, DEMO)
    demo.write(tmp_path, DEMO)
    assert stat.S_IMODE(demo.file(tmp_path).stat().st_mode) == 0o600
    assert [path.name for path in tmp_path.iterdir()] == ["up.json"]


def test_nothing_is_up(tmp_path: Path) -> None:
    assert demo.read(tmp_path) is None
    assert demo.read(tmp_path / "nowhere") is None
    demo.write(tmp_path, DEMO)
    demo.remove(tmp_path)
    demo.remove(tmp_path)
    assert demo.read(tmp_path) is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"url": 1, "simulator_url": "", "pid": 1, "workspaces": []}',
        '{"workspaces": [1]}',
    ],
)
def test_a_damaged_file_is_said_to_be_damaged(tmp_path: Path, text: str) -> None:
    demo.file(tmp_path).write_text(text)
    with pytest.raises(BadDemo, match=r"up\.json is damaged: .*make run"):
        demo.read(tmp_path)


def test_bytes_that_are_no_text_are_damage_too(tmp_path: Path) -> None:
    demo.file(tmp_path).write_bytes(b"\xff\xfe\x00")
    with pytest.raises(BadDemo, match="damaged"):
        demo.read(tmp_path)


def test_what_a_newer_version_adds_is_passed_over(tmp_path: Path) -> None:
    demo.write(tmp_path, DEMO)
    data = json.loads(demo.file(tmp_path).read_text())
    data["moon"] = "full"
    data["workspaces"][0]["moon"] = "full"
    demo.file(tmp_path).write_text(json.dumps(data))
    assert demo.read(tmp_path) == DEMO


def test_no_secret_in_a_traceback() -> None:
    assert "fd_key" not in repr(DEMO)
    assert "postgresql" not in repr(DEMO)


@pytest.mark.parametrize("name", ["clinic", "w1", "+15125550199"])
def test_a_business_is_found_by_slug_id_or_number(name: str) -> None:
    assert DEMO.find(name) == CLINIC
    assert DEMO.find("nobody") is None
