"""What is looked for: each check is a pure function from inventories to findings."""
