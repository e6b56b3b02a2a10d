"""sharing: part of bulkagent/run."""
