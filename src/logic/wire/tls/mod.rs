//! The TLS handshake as it passes: records, messages, profiles and the judge.
