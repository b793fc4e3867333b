"""What is drawn or spoken here in place of a corpus, in its own raw format."""
