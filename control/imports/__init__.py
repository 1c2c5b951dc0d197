"""A clinic from one file: read and checked, then brought into the database in one transaction."""
