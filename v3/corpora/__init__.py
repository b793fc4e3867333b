"""Raw material into fragment files, one folder a corpus."""
