"""What the page needs only now and then; loaded when it is first asked for."""
