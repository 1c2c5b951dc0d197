"""The control plane: configuration, pages, the command line, and the one place where everything is wired together."""
