"""What every simulator is made of, whichever provider it speaks for."""
