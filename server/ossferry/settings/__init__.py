"""The options of the server: the model, the types of values, and the rules between options."""
