"""`frontdesk eval extraction`: the figures of a small file, and what a wrong file is told."""

import json
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from frontdesk.cli import app

FIELDS = {
    "city": {"type": "text", "description": "City where the salon is"},
    "day": {"type": "date", "description": "Day of the visit"},
    "seats": {"type": "number", "description": "Number of seats", "values": ["1", "2", "3"]},
    "style": {"type": "choice", "description": "Style", "values": ["classic", "modern"]},
    "budget": {"type": "money", "description": "What to spend"},
}


def row(text: str, gold: dict[str, Any], **more: Any) -> str:
    types = {name: about["type"] for name, about in FIELDS.items()}
    labelled = {
        name: {"type": types[name], "value": value, "surface": str(value)} for name, value in gold.items()
    }
    return json.dumps(
        {
            "text": text,
            "history": [],
            "system_asked": [],
            "fields": FIELDS,
            "now": "2026-11-23T09:00:00",
            "gold": labelled,
        }
        | more
    )


ROWS = [
    row("on Tuesday in Lima for 2 seats", {"day": "2026-11-24", "city": "Lima", "seats": 2}),
    row("modern, about $50", {"style": "modern", "budget": 50.0}),
    row("any day is fine", {"day": "dontcare"}, system_asked=["day"]),
    row("something in the style of my uncle", {"style": "classic"}),
    row("tomorrow", {}),
]


def run(*args: str) -> Any:
    return CliRunner().invoke(app, ["eval", "extraction", *args])


def test_figures(tmp_path: Path) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text("\n".join(ROWS), encoding="utf-8")
    found = json.loads(run(str(file), "--json").output)
    assert found["precision"] == round(5 / 6, 4)
    assert found["recall"] == round(5 / 6, 4)
    assert found["f1"] == round(10 / 12, 4)
    assert found["exact_turns"] == 0.6
    assert found["n"] == 5
    assert found["by_type"]["number"] == {"precision": 1.0, "recall": 1.0, "f1": 1.0, "n": 1}
    assert found["by_type"]["choice"]["recall"] == 0.5
    assert found["by_type"]["date"] == {"precision": 0.5, "recall": 1.0, "f1": round(2 / 3, 4), "n": 1}
    assert found["p50_ms"] >= 0
    assert "precision" in run(str(file)).output


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("nothing", "line 1"),
        ('{"text": "a"}', "fields"),
        (row("a", {}, fields={"x": {"type": "colour"}}), "line 1"),
        (row("a", {}, now="soon"), "soon"),
        ("", "holds no row"),
    ],
)
def test_a_wrong_file_is_told_where_and_what(tmp_path: Path, line: str, said: str) -> None:
    file = tmp_path / "rows.jsonl"
    file.write_text(line, encoding="utf-8")
    result = run(str(file))
    assert result.exit_code == 2
    assert said in result.output
    assert run(str(tmp_path / "none.jsonl")).exit_code == 2
