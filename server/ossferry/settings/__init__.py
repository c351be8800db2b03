"""The server's options: the model, the types of their values, and the rules between them."""
