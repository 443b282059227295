"""HTTP only: the application, the admission routes, health, metrics, TLS, life cycle."""
