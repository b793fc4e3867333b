"""Own data: folders of pictures or sounds, or a fragment file, without a line of code."""
