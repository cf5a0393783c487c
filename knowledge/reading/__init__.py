"""Documents to text, in a process of their own that may do nothing else: it trusts no byte and touches nothing."""
