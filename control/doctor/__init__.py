"""`venterom doctor`: looks at settings and host before people do, and says in plain words what to change."""
