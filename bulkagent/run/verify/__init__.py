"""verify: part of bulkagent/run."""
