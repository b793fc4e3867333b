"""A page of a dataset's results: pictures, plots that answer, sounds, and how they were made."""
