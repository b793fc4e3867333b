"""How fast it is, and how far from what the machine could do: `python -m benchmarks --help`."""
