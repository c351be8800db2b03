"""The options of the server: the model, the types of values, and rules for combinations."""
