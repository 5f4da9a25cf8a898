"""The protocol between the state machine and the executor.  Pure."""
