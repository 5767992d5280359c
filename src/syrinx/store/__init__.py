"""What outlives a process: jobs' figures and the response cache. SQLAlchemy is imported by what needs it only."""
