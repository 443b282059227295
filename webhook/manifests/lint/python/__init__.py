"""Python programs, by their syntax trees: connections written into code, and the ``ray_config`` that replaces them."""
