"""Models on the Hugging Face Hub: put there, and opened from there."""
