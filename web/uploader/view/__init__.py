"""What a person sees: functions from signals to elements."""
