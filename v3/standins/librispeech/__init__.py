"""Utterances that are synthesised here."""
