//! Settings: TOML text in, typed values out.
