//! The record as an auditor would read it: a verifier of its own, and the schema.

use std::path::Path;

use serde_json::Value;
use sha2::{Digest as _, Sha256};

/// The whole lines of the file, one value each.
pub fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read(path).unwrap_or_default();
    // What stands behind the last newline is being written at this moment.
    let end = text
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    parse(&text[..end])
}

/// One value a line.
pub fn parse(text: &[u8]) -> Vec<Value> {
    let lines = text
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty());
    lines
        .map(|line| {
            serde_json::from_slice(line)
                .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(line)))
        })
        .collect()
}

/// Checks that sequence and hashes tie the lines to one chain; gives how many there are.
pub fn verify(text: &[u8]) -> Result<u64, String> {
    let mut prev = "0".repeat(64);
    let mut seq = 0;
    for line in text.split_inclusive(|byte| *byte == b'\n') {
        let line = line.strip_suffix(b"\n").ok_or("the last line is torn")?;
        let value: Value =
            serde_json::from_slice(line).map_err(|error| format!("line {}: {error}", seq + 1))?;
        seq += 1;
        if value["seq"] != seq {
            return Err(format!("line {seq} says it is {}", value["seq"]));
        }
        if value["prev"] != prev.as_str() {
            return Err(format!("line {seq} does not follow from the one before it"));
        }
        prev = Sha256::digest(line)
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
    }
    Ok(seq)
}

/// The record at `path` is one chain.
pub fn assert_whole(path: &Path) {
    let text = std::fs::read(path).unwrap();
    match verify(&text) {
        Ok(lines) => assert!(lines > 0, "an empty record"),
        Err(why) => panic!("{why}:\n{}", String::from_utf8_lossy(&text)),
    }
}

/// The lines of one request.
pub fn of(lines: &[Value], id: &str) -> Vec<Value> {
    lines
        .iter()
        .filter(|line| line["id"] == id)
        .cloned()
        .collect()
}
