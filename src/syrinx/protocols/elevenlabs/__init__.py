"""ElevenLabs' text to speech: its HTTP routes and both of its sockets."""
