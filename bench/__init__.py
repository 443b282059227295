"""What the service costs, measured; one module a measurement, each printed as a table and written to bench/results."""
