"""What a trained model is worth: arrays in, plain dictionaries out."""
