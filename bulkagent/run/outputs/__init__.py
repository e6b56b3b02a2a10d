"""outputs: part of bulkagent/run."""
