"""Many kinds of clients at once, well and badly behaved, drawn at a printed seed."""
