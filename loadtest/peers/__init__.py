"""Other servers, given the same work."""
