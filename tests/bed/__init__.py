"""A deterministic test bed in virtual time: simulated clients around the real engine."""
