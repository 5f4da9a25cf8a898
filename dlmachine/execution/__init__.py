"""Run a plan: perform each effect, and pass its event to the state machine."""
