"""What must last: the tables, the one place where statements are scoped by clinic, and the databases behind both."""
