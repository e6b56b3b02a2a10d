"""send: part of bulkagent/run."""
