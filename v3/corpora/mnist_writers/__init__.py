"""MNIST with its writers: a corpus of one's own."""
