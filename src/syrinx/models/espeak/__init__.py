"""espeak-ng: formant synthesis in 130+ languages, from its wheel, in this process."""
