"""The one exception that people are meant to read."""


class V3Error(Exception):
    """Something a user can mend: one sentence that names the file or parameter and the mend."""
