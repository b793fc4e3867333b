"""Raw material into fragment files, one corpus at a time."""
