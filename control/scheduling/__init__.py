"""Types, schedules, week templates, work plans, slots and appointments."""
