"""How the admin writes dates, per language."""
