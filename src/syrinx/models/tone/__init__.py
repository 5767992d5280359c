"""The shipped stand-in for a model: sine tones at a set speed, and faults on demand."""
