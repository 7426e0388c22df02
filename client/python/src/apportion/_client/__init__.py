"""What the blocking client and the asyncio client have in common."""
