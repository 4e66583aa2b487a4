//! HTTP/1.1 request heads and message framing (RFC 9112), read strictly.
