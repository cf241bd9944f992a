"""Who answers: a server that speaks the OpenAI API, or the built-in sandbox model."""
