"""Real servers for the tests, private to a test run: Docker Engines, Elasticsearch and OpenSearch, on loopback or a socket in a temporary folder."""
