"""What the load listeners ask for."""

PARAGRAPH = (
    "A song thrush sings from the top of the tallest tree. It says each phrase two or three times, "
    "as if to be sure that somebody heard. The phrases are short, loud and clear, and no two evenings "
    "bring the same ones. It learns from other birds, from gates and from telephones. "
    "When the light goes, it stops in the middle of a song and is gone."
)
"""About 340 characters in five sentences: 22 s on the tone model, in several segments."""
