"""history: part of bulkagent/run."""
