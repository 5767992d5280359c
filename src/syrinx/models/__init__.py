"""The backend contract, the registry of models, and one package per model."""
