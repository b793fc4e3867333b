"""Every picture, and the curves that they are drawn from."""
