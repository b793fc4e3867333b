"""Sheets of characters that are drawn here."""
