"""bulkagent sets, for a whole shift at once, whether contact-centre agents answer inbound calls."""
