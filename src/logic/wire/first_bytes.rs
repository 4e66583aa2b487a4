//! What the first bytes of a connection are: TLS, SOCKS, HTTP/2, HTTP/1 or none of these.
