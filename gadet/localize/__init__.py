"""Where it is: regions proposed, numbered, and found again."""
