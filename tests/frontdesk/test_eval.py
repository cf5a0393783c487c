"""`frontdesk eval` on small files of our own: the keys that others read, and figures that must come out."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from typer.testing import CliRunner

from frontdesk.cli import app
from frontdesk.quality import figures, sheet
from frontdesk.quality.labelled import BadFile, read
from frontdesk.quality.registry import SECTIONS
from frontdesk.quality.sheet import Section

CASES = Path(__file__).with_name("cases")
TRAIN, TEST, OOS = (str(CASES / f"eval_{name}.csv") for name in ("train", "test", "oos"))


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["eval", *arguments])


def figures_of(*arguments: str) -> dict[str, Any]:
    ended = run(*arguments, "--json")
    assert ended.exit_code == 0, (ended.output, ended.exception)
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def test_intents() -> None:
    found = figures_of("intents", "--train", TRAIN, "--test", TEST, "--oos", OOS)
    promised = {"accuracy", "macro_f1", "oos_recall", "oos_precision", "train_s", "p50_ms", "p99_ms", "n"}
    assert promised <= found.keys()
    assert (found["accuracy"], found["macro_f1"], found["n"]) == (1.0, 1.0, 9)
    assert found["oos_recall"] >= 0.8
    assert found["oos_precision"] >= 0.5
    assert 0 < found["p50_ms"] <= found["p99_ms"]


def test_answers_of_a_business() -> None:
    found = figures_of("answers", "demos/clinic.yaml", "--test", str(CASES / "eval_answers.csv"))
    counted = ("n", "answerable", "unanswerable", "right", "wrong", "not_answered", "invented")
    assert [found[key] for key in counted] == [6, 4, 2, 3, 1, 0, 0]
    assert [one["label"] for one in found["misses"]] == ["Children"]
    assert "Oyelaran" in found["misses"][0]["said"]


@pytest.mark.parametrize(
    ("business", "rows", "says"),
    [
        ("demos/clinic.yaml", "text,label\nhow much,Prizes\n", "a section 'Prizes'"),
        ("demos/clinic.yaml", "question,heading\na,b\n", "header must be text,label"),
        ("demos/none.yaml", "text,label\na,oos\n", "cannot be read"),
    ],
)
def test_answers_of_what_is_not_there(tmp_path: Path, business: str, rows: str, says: str) -> None:
    (tmp_path / "asked.csv").write_text(rows)
    ended = run("answers", business, "--test", str(tmp_path / "asked.csv"))
    assert ended.exit_code == 2
    assert says in ended.output


def test_intents_without_strangers_and_for_people() -> None:
    assert figures_of("intents", "--train", TRAIN, "--test", TEST)["oos_recall"] is None
    told = run("intents", "--train", TRAIN, "--test", TEST).stdout
    assert "accuracy         1.0" in told
    assert "ask_hours" in told


def test_strangers_may_be_in_the_files_themselves(tmp_path: Path) -> None:
    both = Path(TEST).read_text() + "".join(Path(OOS).read_text().splitlines(keepends=True)[1:])
    (tmp_path / "test.csv").write_text(both)
    (tmp_path / "train.csv").write_text(Path(TRAIN).read_text() + "what is the meaning of life,oos\n")
    found = figures_of(
        "intents", "--train", str(tmp_path / "train.csv"), "--test", str(tmp_path / "test.csv")
    )
    assert found["n"] == 9
    assert found["oos_recall"] >= 0.8


@pytest.mark.parametrize("learnt", [True, False])
def test_sentiment(learnt: bool) -> None:
    train = ["--train", str(CASES / "eval_mood_train.csv")] if learnt else []
    found = figures_of("sentiment", *train, "--test", str(CASES / "eval_mood_test.csv"))
    assert (found["accuracy"], found["n"]) == (1.0, 4)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.csv", "sentence,intent\nhi,greeting\n", "line 1: the header must be text,label"),
        ("a.csv", "text,label\nhi\n", "row 2: there is no label"),
        ("a.csv", "text,label\n", "holds no sentence"),
        ("a.csv", "", "line 1"),
        ("a.jsonl", '{"text": "hi"}\n', "line 1: write"),
        ("a.csv.gz", "text,label\nhi,greeting\n", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_with_its_line(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(BadFile, match=said):
        read(tmp_path / name)
    ended = run("intents", "--train", str(tmp_path / name), "--test", TEST)
    assert (ended.exit_code, said in ended.output.replace("\n", " ")) == (2, True)


def test_reads_what_is_packed_and_what_is_json(tmp_path: Path) -> None:
    with gzip.open(tmp_path / "a.jsonl.gz", "wt") as file:
        file.write('{"text": "hi, \\"you\\"", "label": "greeting"}\n')
    assert [(one.text, one.label) for one in read(tmp_path / "a.jsonl.gz")] == [('hi, "you"', "greeting")]


def test_figures() -> None:
    gold, found = ["a", "a", "b", "b"], ["a", "b", "b", "b"]
    assert figures.accuracy(gold, found) == 0.75
    assert figures.macro_f1(gold, found) == round((0.6667 + 0.8) / 2, 4)
    assert figures.by_class(gold, found)["a"] == figures.OfClass(1.0, 0.5, 0.6667, 2)
    assert [figures.percentile([3, 1, 2], share) for share in (0, 0.5, 0.99)] == [1, 2, 3]
    assert figures.share(0, 0) is None


def test_a_section_measured_again_leaves_the_others(tmp_path: Path) -> None:
    columns = ("set", "value")
    one, two = (
        Section(name, name.title(), "About it.", columns, lambda data: iter([("x", 0.5)]))
        for name in ("one", "two")
    )
    rows = list[str]()
    first = {section.name: sheet.written(section, tmp_path, rows.append) for section in (one, two)}
    whole = sheet.merge("", first, (one, two))
    assert rows == ["| x | 0.500 |"] * 2
    again = sheet.merge(whole, {"two": "## Two\n\nanew\n"}, (one, two))
    assert again == whole[: whole.index("## Two")] + "## Two\n\nanew\n"


def test_all_refuses_what_is_not_there(tmp_path: Path) -> None:
    assert run("all", "--data", str(tmp_path / "no")).exit_code == 2
    assert "there are intents" in run("all", "--data", str(tmp_path), "--only", "nonsense").output
    assert len({section.name for section in SECTIONS}) == len(SECTIONS)
