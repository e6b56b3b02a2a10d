"""plan: part of bulkagent/run."""
