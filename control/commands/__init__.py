"""The commands of `venterom` that have more to say than one line, a file each."""
