"""InsNotes: notes of one instrument."""
