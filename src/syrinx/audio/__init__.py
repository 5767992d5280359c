"""Sound after the model: one stateful chain per utterance, containers, framing. No I/O, no model, no protocol."""
