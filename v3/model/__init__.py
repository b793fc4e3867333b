"""Spec, networks, codebook, and the model that they make: encode, decode, swap, save, load."""
