"""House numbers that are drawn here."""
