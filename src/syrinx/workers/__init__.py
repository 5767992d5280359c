"""Model processes: scheduling, the step loop, the wire between processes, and their supervision."""
