"""How good it is, measured on labelled files through the same code as a live turn. A kind of question a file."""
