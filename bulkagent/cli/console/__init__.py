"""console: part of bulkagent/cli."""
