"""Money: bank accounts linked, money moved in and out, orders to trade and accounts asked for. Each is proposed, proved
by a code for exactly that, read back, and confirmed in the client's own words; people of the business approve it."""

from skills.money.skill import MoneyMoves

__all__ = ["MoneyMoves"]
