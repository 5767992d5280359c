"""The Chatterbox service's socket and HTTP route (seed 3)."""
