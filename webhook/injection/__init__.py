"""The core, pure: a review's fields and what is known in, a decision and JSON Patch operations out."""
