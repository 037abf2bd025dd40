"""A real Apache Kafka of one node on this machine, without Java, Maven or Docker: broker.py is the way in."""
