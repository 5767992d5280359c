"""Cartesia's text to speech: its HTTP routes and its socket of contexts."""
