"""Values in notebooks: as HTML, and as tables of pandas."""
