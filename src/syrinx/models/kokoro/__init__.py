"""Kokoro-82M: a small neural voice in nine languages; on torch here, on onnxruntime in ``kokoro_onnx``."""
