"""VibeVoice Realtime 0.5B: a language model that reads text and speaks it in turns, in frames of 133 ms."""
