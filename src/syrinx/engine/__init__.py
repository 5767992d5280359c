"""Sessions and utterances: what protocols call. Text goes in as events, audio comes out as events."""
