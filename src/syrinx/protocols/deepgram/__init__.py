"""Deepgram's Aura text to speech: ``POST /v1/speak`` and its WebSocket."""
