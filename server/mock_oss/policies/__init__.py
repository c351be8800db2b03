"""Policy documents: RAM policies with their conditions, and the policy of a PostObject form."""
