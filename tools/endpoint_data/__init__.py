"""The parts of tools/endpoints.py."""
