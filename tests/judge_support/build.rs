//! Handshakes made by hand.
