"""The state machine: from a state and an event to the next step."""
