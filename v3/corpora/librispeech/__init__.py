"""Librispeech: phonemes of utterances."""
