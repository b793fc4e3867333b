"""What `import v3` gives: a trained model in use, and training on arrays."""
