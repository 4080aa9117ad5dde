"""The checks: each one is a pure function from inventories to findings."""
