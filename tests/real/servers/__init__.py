"""Real servers for the tests, private to a test run: Docker Engines and Elasticsearch, on loopback or a socket in a temporary folder."""
