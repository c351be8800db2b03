"""The administrators' page: what is stored, by whom, and as CSV."""
