"""A small script a system: read a topic, apply a function, write a topic, until SIGTERM. They share `job.py`."""
