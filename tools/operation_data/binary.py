"""The table's bytes: searched where they lie, so nothing is loaded or built at start."""

from .routes import EQUAL

METHODS = ["GET", "HEAD", "POST", "PUT", "DELETE", "PATCH"]


def number(value, width=3):
    return value.to_bytes(width, "little")


class Writer:
    """Appends what was not yet there; equal strings and equal subtrees stand there once."""

    def __init__(self, header):
        self.data = bytearray(header)
        self._known = {}

    def put(self, chunk):
        chunk = bytes(chunk)
        if chunk not in self._known:
            self._known[chunk] = len(self.data)
            self.data += chunk
        return self._known[chunk]

    def text(self, text):
        encoded = text.encode()
        return number(self.put(number(len(encoded), 1) + encoded))


class Node:
    def __init__(self):
        self.literals = {}
        self.label = None
        self.rest = None
        self.routes = []

    def child(self, segment):
        if segment == "{}":
            self.label = self.label or Node()
            return self.label
        if segment == "{+}":
            self.rest = self.rest or Node()
            return self.rest
        return self.literals.setdefault(segment, Node())

    def write(self, writer):
        """Puts the node, its children first; gives its place, or 0 of none."""
        children = sorted((key.encode(), key, node.write(writer)) for key, node in self.literals.items())
        chunk = bytearray(number(len(children), 2))
        for _, key, place in children:
            chunk += writer.text(key) + number(place)
        for child in (self.label, self.rest):
            chunk += number(child.write(writer) if child else 0)
        chunk += number(len(self.routes), 1)
        for route in self.routes:
            chunk += number(METHODS.index(route.method), 1)
            chunk += writer.text(route.operation) + writer.text("/".join(route.labels))
            chunk += number(len(route.conditions), 1)
            for kind, name, value in route.conditions:
                chunk += number(kind, 1) + writer.text(name)
                chunk += writer.text(value) if kind == EQUAL else b""
        return writer.put(chunk)


def encode(services):
    # `ogo1`, the place of the list of services, their number.
    writer = Writer(b"ogo1" + bytes(6))
    listed = []
    for service, models in services.items():
        chunk = bytearray(number(len(models), 1))
        for model in models:
            root = Node()
            for route in model.routes:
                node = root
                for segment in route.segments:
                    node = node.child(segment)
                node.routes.append(route)
            chunk += writer.text(model.name)
            chunk += number(root.write(writer) if model.is_rest else 0)
            chunk += number(len(model.patterns), 1)
            for pattern in model.patterns:
                chunk += writer.text(pattern)
        listed.append((service.encode(), writer.text(service) + number(writer.put(chunk))))
    place = len(writer.data)
    for _, entry in sorted(listed):
        writer.data += entry
    writer.data[4:10] = number(place) + number(len(listed))
    return bytes(writer.data)
