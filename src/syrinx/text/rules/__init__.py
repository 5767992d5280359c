"""What is said how: one file per kind of written thing, each an ordered list of small rules."""
