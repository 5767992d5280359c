"""The Realtime-style socket of the Kokoro server (seed 1)."""
