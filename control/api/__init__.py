"""Translation between HTTP and the rest of control; nothing is decided here."""
