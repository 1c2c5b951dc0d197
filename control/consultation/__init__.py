"""Who may enter the room of a consultation, and what happens there."""
