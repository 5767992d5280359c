"""Hears when the user speaks, over the server's own voice too: samples in, beginnings and ends of speech out."""
