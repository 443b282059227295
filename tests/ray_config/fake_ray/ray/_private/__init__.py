"""Of the fake."""
