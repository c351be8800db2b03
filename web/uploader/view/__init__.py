"""The view: turns the queue's signals into elements, and clicks into actions."""
