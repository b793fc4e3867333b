"""Every picture: arrays in, PNG file out."""
