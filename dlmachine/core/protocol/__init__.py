"""What the state machine and the executor tell each other: effects, events, states, ports."""
