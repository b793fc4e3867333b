"""Measurements: arrays in, numbers out."""
