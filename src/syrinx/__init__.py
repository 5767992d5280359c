"""Syrinx: one streaming speech server for every open voice. Importing this package is cheap and does nothing."""

__version__ = "0.1.0"
