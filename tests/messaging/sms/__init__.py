"""The second channel: SMS through Twilio and the sandbox, and what happens where no key protects."""
