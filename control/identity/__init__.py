"""Who somebody is: identity numbers, levels of login, links and sessions."""
