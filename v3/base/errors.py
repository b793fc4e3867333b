"""The one exception that people are meant to read."""

import errno

# numbers of an OSError that say nothing of what a file holds: another try may go well
OF_THE_MACHINE = (errno.EIO, errno.ESTALE, errno.ENOLCK, errno.EMFILE, errno.ENFILE, errno.ELOOP)
REFUSED = (errno.EACCES, errno.EPERM, errno.EROFS)  # somebody may not do what was tried


class V3Error(Exception):
    """Something a user can mend: one sentence that names the file or parameter and the mend."""
