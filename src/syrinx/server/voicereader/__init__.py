"""The desktop sidecar (VoiceReader) over HTTP and WebSocket: jobs that are spoken once and heard by any number."""
