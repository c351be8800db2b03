"""Policy documents: RAM policies, their conditions, and the policy of a PostObject form."""
