"""One pure codec per dialect; see ``base`` for the contract."""
