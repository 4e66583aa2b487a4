//! The one place that reads the clock.

use std::time::{Duration, SystemTime};

use uuid::Uuid;

const PULSE: Duration = Duration::from_secs(1);

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

/// Sleeps for a second at a time, for ever.
///
/// The runtime wakes its sleeping thread (a write to an eventfd, and a turn of that thread for
/// nothing) for each new deadline that is earlier than all others. Every tunnel sets several, all
/// of them further away than a second: while this one is pending, none wakes anybody.
pub async fn pulse() {
    loop {
        tokio::time::sleep(PULSE).await;
    }
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
