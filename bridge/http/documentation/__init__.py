"""What OpenAPI says of the routes; each answer is taken from the table that makes it."""
