"""The ``syrinx`` command: one small file a command, each a thin call into the layers below."""
