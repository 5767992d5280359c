"""Kokoro-82M: a small neural voice in eight languages; on torch here, on onnxruntime in ``kokoro_onnx``."""
