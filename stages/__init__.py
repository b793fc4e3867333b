"""The pipeline's scripts, one a stage."""
