"""A simulation of extraction: the real adapter on a real folder, killed between any two of its steps."""
