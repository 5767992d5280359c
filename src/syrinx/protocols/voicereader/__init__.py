"""The desktop sidecar's API (VoiceReader, seed 0)."""
