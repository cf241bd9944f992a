"""Chaos: a campaign under way while processes are killed, the database restarts and the provider misbehaves."""
