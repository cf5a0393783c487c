"""Actions that a server of somebody else's carries out, in the protocol of rasa-sdk."""

from skills.rasa.skill import Rasa

__all__ = ["Rasa"]
