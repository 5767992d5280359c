"""VibeVoice 1.5B, of the library transformers: a language model that speaks in frames of 133 ms, and clones."""
