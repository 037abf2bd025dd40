"""Trends and stories of classified documents, on Faust: the only place that knows it."""
