"""Qwen3-TTS at 12 Hz: its own speakers, cloned voices, or voices described in words, by the weights it is given."""
