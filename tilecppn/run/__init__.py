"""Runs the tasks of a still or a film on workers, and handles failures.

`RunOptions` and `RetryPolicy` configure a run, listeners receive `events`, and a run returns a
`RunResult`.
"""
