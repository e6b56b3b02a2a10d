"""progress: part of bulkagent/cli."""
