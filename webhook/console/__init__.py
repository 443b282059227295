"""The console: pages for people, read only, on the loopback address alone."""
