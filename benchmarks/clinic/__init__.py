"""The clinic's acts on a database of some years: joins, the day view, bookings, beside the cost of one fsync."""
