"""All scenarios. Each module has `scenarios()`, which yields them."""

from __future__ import annotations

from . import aws, certificates, clients, good, phases, profiles, servers

MODULES = (servers, phases, certificates, aws, clients, profiles, good)


def everything():
    seen = {}
    for module in MODULES:
        for s in module.scenarios():
            if s.name in seen:
                raise ValueError(f"two scenarios are called {s.name}")
            seen[s.name] = s
    return list(seen.values())
