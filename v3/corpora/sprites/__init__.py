"""Sprites: poses of characters."""
