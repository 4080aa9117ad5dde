"""From what a user asks for to a report: choose, plan, collect, compute, report."""
