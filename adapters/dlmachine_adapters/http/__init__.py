"""HTTP code that both backends share."""
