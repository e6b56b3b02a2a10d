"""files: part of bulkagent."""
