"""Which voice a name means."""
