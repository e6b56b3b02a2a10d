"""schedule: part of bulkagent/run."""
