"""What a model is asked: pure functions of the Turn. Ours is in the system text; what others wrote is JSON beside it."""
