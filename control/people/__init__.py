"""Who people are to a clinic: patients, guardians, and those who are expected at an appointment."""
