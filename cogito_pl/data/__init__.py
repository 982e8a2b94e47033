"""Problems: what one is, where they come from, in which order they are drawn."""
