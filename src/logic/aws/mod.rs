//! What outgate knows of AWS: endpoints by name.
