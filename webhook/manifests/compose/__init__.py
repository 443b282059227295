"""Compose files: services as the pods of the rule book, which has no webhook there; ``inject`` carries it out."""
