"""Orpheus and Veena: a Llama writes tokens of a neural codec (SNAC), and the codec makes sound of them."""
