"""text: part of bulkagent."""
