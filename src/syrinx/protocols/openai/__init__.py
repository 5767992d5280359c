"""OpenAI's speech route and the shape of its errors."""
