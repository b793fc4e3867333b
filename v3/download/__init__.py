"""Files from the network, and archives read without trust."""
