"""Every skill by its name: one line to add one. A workspace has those that its file names under `skills`."""

from domain.ports import Calendar
from domain.skill import Skill
from skills.booking import Booking


def open_skills(calendar: Calendar) -> dict[str, Skill]:
    """Each made with the ports by which it reads the world."""
    known: tuple[Skill, ...] = (Booking(calendar),)
    return {skill.name: skill for skill in known}
