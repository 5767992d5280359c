"""Kokoro-82M on onnxruntime, without torch. What is said, and how it is cut, is ``models.kokoro``'s."""
