"""What tests share: fakes of our ports, vectors, the browser and its page objects."""
