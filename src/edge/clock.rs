//! The one place that reads the clock.

use std::time::SystemTime;

use uuid::Uuid;

/// Now, as RFC 3339 in UTC with microseconds.
pub fn timestamp() -> String {
    format_time(SystemTime::now())
}

/// `time` as RFC 3339 in UTC with microseconds.
pub fn format_time(time: SystemTime) -> String {
    jiff::Timestamp::try_from(time).map_or_else(
        |_| "1970-01-01T00:00:00.000000Z".to_owned(),
        |time| format!("{time:.6}"),
    )
}

/// Seconds since 1970.
pub fn unix_seconds() -> u64 {
    SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |since| since.as_secs())
}

/// A new id (UUID v7), which sorts by time.
pub fn new_id() -> String {
    Uuid::now_v7().to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_microseconds_and_z() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_000_001);
        assert_eq!(format_time(time), "2023-11-14T22:13:20.000001Z");
    }
}
