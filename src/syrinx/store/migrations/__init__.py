"""The database's versions, one step a file; ``store.migrate`` runs them."""
