"""Who somebody is: national identity numbers, their pseudonyms, and links that stand for an attendee."""
