"""Content and style without labels, by variance versus invariance."""
