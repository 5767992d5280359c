"""Speech of another server: any that speaks OpenAI's ``/v1/audio/speech``."""
