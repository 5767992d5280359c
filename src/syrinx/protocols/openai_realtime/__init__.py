"""OpenAI's Realtime API (the names of its general availability): text in, audio out."""
