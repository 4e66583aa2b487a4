//! The one place that reads the clock.

use std::cell::RefCell;
use std::sync::LazyLock;
use std::time::{Duration, SystemTime};

use rustls::crypto::SecureRandom;
use uuid::{Builder, Uuid};

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

/// The generator of TLS, seeded by the kernel.
static RANDOM: LazyLock<&'static dyn SecureRandom> =
    LazyLock::new(|| rustls::crypto::aws_lc_rs::default_provider().secure_random);

/// Chance for that many ids is drawn at a time, which costs as much as for one.
const DRAWN: usize = 64;

/// What a thread has left of it.
struct Chance {
    bytes: [u8; CHANCE * DRAWN],
    left: usize,
}

/// Bytes of chance in an id; some of their bits give way to the time.
const CHANCE: usize = 10;

thread_local! {
    static DRAW: RefCell<Chance> = const {
        RefCell::new(Chance { bytes: [0; CHANCE * DRAWN], left: 0 })
    };
}

/// Chance for an id.
fn chance() -> Option<[u8; CHANCE]> {
    DRAW.with_borrow_mut(|drawn| {
        if drawn.left == 0 {
            RANDOM.fill(&mut drawn.bytes).ok()?;
            drawn.left = DRAWN;
        }
        drawn.left -= 1;
        drawn.bytes.as_chunks().0.get(drawn.left).copied()
    })
}

/// A new id (UUID v7), which sorts by time: RFC 9562, section 6.2, method 3.
pub fn new_id() -> String {
    let since = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .unwrap_or_default();
    let Ok(millis) = u64::try_from(since.as_millis()) else {
        return Uuid::now_v7().to_string();
    };
    let Some(mut random) = chance() else {
        return Uuid::now_v7().to_string();
    };
    // Twelve bits of the millisecond, then 62 of chance.
    let part = since.subsec_nanos() % 1_000_000 * 4096 / 1_000_000;
    if let (Some(place), [_, _, high, low]) = (random.first_chunk_mut(), part.to_be_bytes()) {
        *place = [high, low];
    }
    Builder::from_unix_timestamp_millis(millis, &random)
        .into_uuid()
        .to_string()
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
    fn ids_differ_and_sort_by_time() {
        let before = Uuid::now_v7();
        let ids: Vec<String> = (0..1000).map(|_| new_id()).collect();
        let different: std::collections::HashSet<&String> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        let first = Uuid::parse_str(&ids[0]).unwrap();
        assert_eq!(first.get_version(), Some(uuid::Version::SortRand));
        assert_eq!(first.get_variant(), uuid::Variant::RFC4122);
        let seconds = |id: Uuid| id.get_timestamp().unwrap().to_unix().0;
        assert!((0..=1).contains(&(seconds(first) - seconds(before))));
        // What stands before chance does not fall: a quarter of a microsecond counts.
        let time = |id: &String| Uuid::parse_str(id).unwrap().as_u64_pair().0;
        assert!(ids.is_sorted_by_key(time));
    }

    #[test]
    fn times_have_microseconds_and_z() {
        let time = SystemTime::UNIX_EPOCH + std::time::Duration::from_micros(1_700_000_000_000_001);
        assert_eq!(format_time(time), "2023-11-14T22:13:20.000001Z");
    }
}
