"""clients: part of bulkagent/run."""
