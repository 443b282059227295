"""What is wrong in files, found and told like a good compiler does. One module a family of findings; no I/O."""
