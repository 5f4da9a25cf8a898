"""The manager for programs that use asyncio."""
