"""What patients must be told."""
