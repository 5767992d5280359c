"""Chatterbox (Resemble AI): English, Multilingual and Turbo."""
