"""The fragment file: the one format that every corpus ends in and every later stage reads."""
