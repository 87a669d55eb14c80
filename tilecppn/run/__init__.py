"""Running shard tasks: events, policy, job, executors, coordinator."""
