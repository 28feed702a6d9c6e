"""Checks of values on their way in, and of what messages show of them."""
