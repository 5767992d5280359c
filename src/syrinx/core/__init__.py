"""Values, errors, clock and ids: what every other layer may know. Standard library and numpy only."""
