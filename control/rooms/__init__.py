"""The way to the rooms: commands down, events up, each done once."""
