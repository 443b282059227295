"""Dockerfiles: settings that an image brings, and what its commands do with them."""
