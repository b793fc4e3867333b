"""Spectrograms made heard, and what is measured of what is heard."""
