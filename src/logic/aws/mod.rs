//! What outgate knows of AWS: endpoints by name.

/// What a destination's name says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Class {
    Aws(Endpoint),
    Other,
}

/// An AWS endpoint, read from its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Endpoint {
    pub service: Option<Box<str>>,
    pub region: Option<Box<str>>,
    pub partition: &'static str,
    pub fips: bool,
    pub dualstack: bool,
}
