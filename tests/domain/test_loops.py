"""Another machine trips the guard; a person who is fast, brief or angry does not."""

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from domain.loops import Beat, LoopReason, Recent, is_loop, looks_automatic, recent

START = datetime(2026, 11, 23, 15, tzinfo=UTC)
AUTO = "Thank you for contacting Acme Plumbing. Ticket #{} was opened."


def exchange(*lines: tuple[float, str, str]) -> list[Beat]:
    """(seconds, "them" or "us", text)"""
    return [Beat(START + timedelta(seconds=at), who == "them", text) for at, who, text in lines]


def asked_at_the_end(beats: Iterable[Beat]) -> LoopReason | None:
    beats = list(beats)
    return is_loop(beats, beats[-1].at + timedelta(seconds=1))


def test_the_same_sentence_after_each_of_our_answers() -> None:
    beats = exchange(
        (0, "them", AUTO.format(101)), (4, "us", "Hi, this is Ava, an AI assistant."),
        (30, "them", AUTO.format(102)), (34, "us", "How can I help?"),
        (60, "them", AUTO.format(103)),
    )  # fmt: skip
    assert asked_at_the_end(beats) is LoopReason.REPEATS
    assert asked_at_the_end(beats[:-1]) is None
    assert is_loop(beats, START + timedelta(minutes=6)) is None, "old beats are forgotten"


def test_repeating_oneself_unanswered_is_no_loop() -> None:
    sentence = "is anybody there? I need an appointment"
    assert asked_at_the_end(exchange(*((n * 20.0, "them", sentence) for n in range(6)))) is None


@pytest.mark.parametrize(
    ("text", "times", "reason"),
    [
        ("how much is a teeth cleaning?", 5, None),
        ("how much is a teeth cleaning?", 6, LoopReason.REPEATS),
        ("¿cuánto cuesta una limpieza?", 5, None),
        ("Thanks for your text! Who is this?", 3, LoopReason.REPEATS),
        ("Sorry, I did not get that. What would you like?", 3, LoopReason.REPEATS),
        ("please tell me what a cleaning costs", 3, LoopReason.REPEATS),
    ],
)
def test_a_bare_question_may_be_asked_again(text: str, times: int, reason: LoopReason | None) -> None:
    lines = [
        line for n in range(times) for line in ((n * 40.0, "them", text), (n * 40.0 + 4, "us", "It is $115."))
    ]
    assert asked_at_the_end(exchange(*lines)) is reason


def test_yes_to_five_questions_is_a_person() -> None:
    lines = []
    for n in range(5):
        lines += [(n * 20.0, "us", f"Question {n}?"), (n * 20.0 + 9, "them", "yes")]
    assert asked_at_the_end(exchange(*lines)) is None


def test_asking_for_one_hour_after_another_is_a_person() -> None:
    lines = []
    for n in range(5):
        lines += [
            (n * 30.0, "them", f"can you do {n + 1}:30 on tuesday?"),
            (n * 30.0 + 8, "us", "Sorry, taken."),
        ]
    assert asked_at_the_end(exchange(*lines)) is None


def test_our_own_words_sent_back() -> None:
    ours = "Hello, this is Ava, the AI assistant of Cedar Dental."
    again = "I can book, move or cancel an appointment for you."
    beats = exchange((0, "us", ours), (5, "them", ours.upper()), (9, "us", again), (14, "them", again))
    assert asked_at_the_end(beats) is LoopReason.ECHO


def test_answers_faster_than_ours_can_be_read() -> None:
    lines = []
    for n in range(12):
        lines += [
            (n * 10.0, "us", f"Our answer {n} with some words"),
            (n * 10.0 + 1.5, "them", f"reply {n * 7}"),
        ]
    assert asked_at_the_end(exchange(*lines)) is LoopReason.TOO_FAST
    assert asked_at_the_end(exchange(*lines[:22])) is None, "eleven are not twelve"


def test_a_person_who_answers_in_five_seconds_is_a_person() -> None:
    lines = []
    for n in range(20):
        lines += [(n * 12.0, "us", f"Our answer {n}"), (n * 12.0 + 5, "them", f"{n} pm?")]
    assert asked_at_the_end(exchange(*lines)) is None


def test_a_person_typing_in_bursts_is_a_person() -> None:
    """Fragments every 1.5 s; our answers fall between them, so some fragment always comes at once."""
    lines = []
    for burst in range(9):
        start = burst * 40.0
        lines += [(start + 1.5 * n, "them", f"fragment {burst} {n} of what I want") for n in range(6)]
        lines += [(start + 8.6, "us", f"Answer {burst}")]
        lines += [(start + 9.5, "them", f"oh and {burst}")]
        lines += [(start + 15, "us", f"And that {burst}")]
    assert asked_at_the_end(exchange(*sorted(lines))) is None


def test_order_does_not_matter() -> None:
    beats = exchange(
        (0, "them", AUTO), (4, "us", "a"), (30, "them", AUTO), (34, "us", "b"), (60, "them", AUTO)
    )  # fmt: skip
    assert is_loop(beats[::-1], START + timedelta(seconds=61)) is LoopReason.REPEATS


def test_recent_counts_for_the_gate() -> None:
    beats = exchange(
        (-700, "us", "Sorry?"), (0, "us", "Sorry?"), (5, "them", "Sorry?"), (9, "us", "sorry? "), (12, "us", "2:00")
    )  # fmt: skip
    now = START + timedelta(seconds=20)
    assert recent(beats, "Sorry?", now) == Recent(replies=3, identical=2)
    assert recent(beats, "3:00", now) == Recent(replies=3, identical=0)
    assert recent([], "x", now) == Recent()


@pytest.mark.parametrize(
    "text",
    [
        "This is an automated message. Please do not reply.",
        "This is an automated SMS message from Acme.",
        "Automatic reply: Out of office",
        "Auto-Reply: we are closed",
        "auto response - closed today",
        "I am out of the office with limited access to email.",
        "Out of office until Monday. For urgent matters call 555-0100",
        "I'm on vacation until the 5th and will respond when I return",
        "Do not reply to this message",
        "Please don't reply to this text, this inbox is not monitored.",
        "I'm driving with Do Not Disturb While Driving turned on. I'll see your message when I get there.",
        "Thanks for contacting Acme! Someone will get back to you within 24 hours.",
        "Thank you for your message. We will respond shortly.",
        "We have received your message and will be with you soon",
        "Message blocking is active",
        "Respuesta automática: estamos cerrados",
        "Este es un mensaje automático, no responda.",
        "Por favor no responda a este mensaje",
        "Gracias por comunicarse con nosotros. Le responderemos pronto.",
        "Estoy fuera de la oficina. A mi regreso le contesto.",
    ],
)
def test_looks_automatic(text: str) -> None:
    assert looks_automatic(text)


@pytest.mark.parametrize(
    "text",
    [
        "I'm out of the office until 3, can we do 4?",
        "I'm on vacation until friday, can we book the week after?",
        "I got no reply from you",
        "is this an automated message?",
        "are you a bot? is this automated",
        "did you get my message?",
        "thanks for contacting me, 3pm works",
        "Thank you for your message, see you at 5",
        "my auto insurance expired",
        "I got an automatic reply from your office",
        "estoy de vacaciones la próxima semana",
        "¿es esto automático?",
        "gracias por escribir, nos vemos a las 5",
        "the garage door is automatic",
        "",
    ],
)
def test_looks_like_a_person(text: str) -> None:
    assert not looks_automatic(text)


BEATS = st.lists(
    st.builds(
        Beat,
        st.integers(-900, 30).map(lambda n: START + timedelta(seconds=n)),
        st.booleans(),
        st.sampled_from(["yes", AUTO, "", "hello there my friend, how are you"]) | st.text(max_size=40),
    ),
    max_size=40,
)


@settings(deadline=None)
@given(BEATS)
def test_total_and_silent_without_an_exchange(beats: list[Beat]) -> None:
    is_loop(beats, START)
    assert is_loop([beat for beat in beats if beat.incoming], START) is None
    assert is_loop([beat for beat in beats if not beat.incoming], START) is None
