"""What every room stands on: errors, files, command lines, processes, parameters as types."""
