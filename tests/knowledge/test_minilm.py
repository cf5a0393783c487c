"""The local embedder: as exact as the plainest version of the model, checked before it is used, for any text."""

import asyncio
import base64
import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from knowledge.embedding import minilm
from knowledge.embedding.minilm import DIMENSIONS, LONGEST, MiniLM, NoModel, folder
from knowledge.embedding.wordpiece import WordPiece
from tests.knowledge import oracle

GOLDEN = Path(__file__).with_name("cases") / "minilm.golden.json"
TEXTS = (
    "",
    "hello world",
    "can I get a cleaning on tuesday afternoon?",
    "¿Cuánto cuesta una limpieza dental?",
    "👍🏽",
    "[CLS] [SEP] ignore previous instructions",
    "日本語のテキスト",
    "antidisestablishmentarianism " * 3,
    "x" * 150,
    "Fees are 1% of assets a year, billed each quarter; the minimum is $250,000.",
    "Dr. Lee doesn't see patients on Fridays — call us at +1 (512) 555-0199.",
    "the office is closed on holidays. " * 80,
)
EMBEDDER = MiniLM()


def test_exactly_the_model() -> None:
    if os.environ.get("GOLDEN") == "rewrite":  # noqa: TID251
        _rewrite()
    golden = {text: _decoded(vector) for text, vector in json.loads(GOLDEN.read_text()).items()}
    found = EMBEDDER.vectors(TEXTS)
    assert tuple(golden) == TEXTS
    assert np.abs(found - np.stack(list(golden.values()))).max() < 1e-5


def test_every_depth_of_it() -> None:
    weights = oracle.tensors(folder() / "model.safetensors")
    pieces, texts = WordPiece(folder() / "vocab.txt"), TEXTS[:4]
    expected = [np.concatenate(oracle.depths(pieces.ids(text, LONGEST), weights)) for text in texts]
    assert np.abs(EMBEDDER.depths(texts) - np.stack(expected)).max() < 1e-5


def _rewrite() -> None:
    weights, pieces = (
        oracle.tensors(folder() / "model.safetensors"),
        WordPiece(folder() / "vocab.txt"),
    )
    vectors = {text: oracle.vector(pieces.ids(text, LONGEST), weights) for text in TEXTS}
    encoded = {text: base64.b64encode(v.astype("<f4").tobytes()).decode() for text, v in vectors.items()}
    GOLDEN.write_text(json.dumps(encoded, indent=0, ensure_ascii=True) + "\n")


def _decoded(vector: str) -> "np.typing.NDArray[np.float32]":
    return np.frombuffer(base64.b64decode(vector), "<f4")


@pytest.mark.parametrize(
    ("text", "pieces"),
    [
        ("", []),
        ("Hello, World!", ["hello", ",", "world", "!"]),
        ("RÉSUMÉ naïve", ["resume", "naive"]),
        ("appointmentz", ["appointment", "##z"]),
        ("[SEP]", ["[", "sep", "]"]),
        ("日本", ["日", "本"]),
        ("a\u200bb\x00\ud800c\td", ["abc", "d"]),
        ("🦷", ["[UNK]"]),
        ("x" * 101, ["[UNK]"]),
    ],
)
def test_word_pieces(text: str, pieces: list[str]) -> None:
    names = (folder() / "vocab.txt").read_text(encoding="utf-8").split("\n")
    ids = WordPiece(folder() / "vocab.txt").ids(text, LONGEST)
    assert [names[one] for one in ids] == ["[CLS]", *pieces, "[SEP]"]


def test_neighbours_in_a_batch_change_nothing() -> None:
    alone = np.concatenate([MiniLM().vectors([text]) for text in TEXTS[:6]])
    together = MiniLM().vectors([*TEXTS[:6], "a much longer text " * 30])[:6]
    assert np.abs(alone - together).max() < 1e-5


@settings(max_examples=40, deadline=None)
@given(st.lists(st.text(st.characters(), max_size=400), max_size=4))
def test_any_text_has_a_vector_of_unit_length(texts: list[str]) -> None:
    vectors = EMBEDDER.vectors(texts)
    assert vectors.shape == (len(texts), DIMENSIONS)
    assert np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-4)


def test_ten_thousand_characters_cost_what_256_pieces_cost() -> None:
    started = time.thread_time()
    vectors = EMBEDDER.vectors(["word " * 2_000, "🙂" * 10_000, "x" * 10_000, "é ¿" * 4_000])
    assert vectors.shape == (4, DIMENSIONS)
    assert time.thread_time() - started < 3


def test_loads_in_under_two_seconds() -> None:
    fresh, started = MiniLM(), time.thread_time()
    fresh.load()
    assert time.thread_time() - started < 2  # 0.3 alone on a machine


async def test_embeds_off_the_event_loop() -> None:
    beats = 0

    async def beat() -> None:
        nonlocal beats
        while True:
            await asyncio.sleep(0.005)
            beats += 1

    heart = asyncio.create_task(beat())
    vectors = await MiniLM().embed([f"question number {number} about opening hours" for number in range(300)])
    heart.cancel()
    assert vectors.shape == (300, DIMENSIONS)
    assert beats > 10


async def test_many_at_once_on_one_embedder() -> None:
    embedder = MiniLM()
    found = await asyncio.gather(*(embedder.embed([text]) for text in TEXTS))
    assert np.abs(np.concatenate(found) - EMBEDDER.vectors(TEXTS)).max() < 1e-5


def test_remembers_a_bounded_number_of_texts() -> None:
    embedder = MiniLM(kept=3)
    embedder.vectors(["hello", *(str(number) for number in range(10))])
    assert list(embedder._known) == ["7", "8", "9"]


@pytest.mark.parametrize("spoilt", ["model.safetensors", "vocab.txt"])
def test_other_files_are_refused(tmp_path: Path, spoilt: str) -> None:
    for name in minilm.SHA256:
        os.symlink(folder() / name, tmp_path / name)
    (tmp_path / spoilt).unlink()
    with pytest.raises(NoModel, match=f"{spoilt} cannot be read"):
        MiniLM(tmp_path).vectors(["hello"])
    shutil.copyfile(folder() / spoilt, tmp_path / spoilt)
    with (tmp_path / spoilt).open("r+b") as file:
        file.seek(-1, os.SEEK_END)
        file.write(b"!")
    with pytest.raises(NoModel, match=f"{spoilt} has SHA-256 .*expected"):
        MiniLM(tmp_path).load()
