"""Pocket TTS (Kyutai): 2 to 330 million parameters, faster than speech on a CPU, many voices at once."""
