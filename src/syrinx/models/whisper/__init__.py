"""Whisper: not a voice, but what writes down what is said in a recording that a voice is cloned from."""
