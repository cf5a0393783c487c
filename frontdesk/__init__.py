"""The command line and the app factory: chooses doors, owns nothing."""
