"""The values that state machine and executor exchange: effects, events, states; and the ports."""
