"""From fragments without labels to a trained model."""
