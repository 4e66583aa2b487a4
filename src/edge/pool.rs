//! Connections that wait for their next use, by what they may be used for.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A bounded store of idle values. The one used last is taken first, since the others are more
/// likely to have been closed by their peers.
#[derive(Debug)]
pub struct Pool<K, V> {
    idle: Mutex<HashMap<K, Vec<(Instant, V)>>>,
    limits: PoolLimits,
}

/// How much waits, and for how long.
#[derive(Debug, Clone, Copy)]
pub struct PoolLimits {
    pub per_key: usize,
    pub keys: usize,
    pub age: Duration,
}

impl<K: Eq + Hash, V> Pool<K, V> {
    /// Nothing waits.
    pub fn new(limits: PoolLimits) -> Pool<K, V> {
        Pool {
            idle: Mutex::default(),
            limits,
        }
    }

    /// The value under `key` that was put last and is still `usable`; those that are not are
    /// dropped. `usable` looks without waiting.
    pub fn take(&self, key: &K, mut usable: impl FnMut(&mut V) -> bool) -> Option<V> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let waiting = idle.get_mut(key)?;
        let mut found = None;
        while let Some((since, mut value)) = waiting.pop() {
            if since.elapsed() < self.limits.age && usable(&mut value) {
                found = Some(value);
                break;
            }
        }
        if waiting.is_empty() {
            idle.remove(key);
        }
        found
    }

    /// Lets `value` wait, unless there are too many.
    pub fn put(&self, key: K, value: V) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        if !idle.contains_key(&key) && idle.len() >= self.limits.keys {
            return;
        }
        let waiting = idle.entry(key).or_default();
        if waiting.len() >= self.limits.per_key {
            waiting.remove(0);
        }
        waiting.push((Instant::now(), value));
    }

    /// Drops what has waited too long.
    pub fn sweep(&self) {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.retain(|_, waiting| {
            waiting.retain(|(since, _)| since.elapsed() < self.limits.age);
            !waiting.is_empty()
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> Pool<&'static str, u32> {
        Pool::new(PoolLimits {
            per_key: 2,
            keys: 2,
            age: Duration::from_secs(60),
        })
    }

    #[test]
    fn the_last_one_comes_first_and_the_oldest_goes() {
        let pool = pool();
        for value in 1..=3 {
            pool.put("a", value);
        }
        assert_eq!(pool.take(&"b", |_| true), None);
        assert_eq!(pool.take(&"a", |_| true), Some(3));
        assert_eq!(pool.take(&"a", |_| true), Some(2));
        assert_eq!(pool.take(&"a", |_| true), None);
    }

    #[test]
    fn what_cannot_be_used_is_dropped() {
        let pool = pool();
        pool.put("a", 1);
        pool.put("a", 2);
        assert_eq!(pool.take(&"a", |value| *value == 1), Some(1));
        assert_eq!(pool.take(&"a", |_| true), None);
    }

    #[test]
    fn keys_are_bounded_and_empty_ones_do_not_count() {
        let pool = pool();
        for key in ["a", "b", "c"] {
            pool.put(key, 1);
        }
        assert_eq!(pool.take(&"c", |_| true), None);
        assert_eq!(pool.take(&"a", |_| true), Some(1));
        pool.put("c", 1);
        assert_eq!(pool.take(&"c", |_| true), Some(1));
    }

    #[test]
    fn nothing_waits_longer_than_its_age() {
        let pool: Pool<&str, u32> = Pool::new(PoolLimits {
            per_key: 2,
            keys: 2,
            age: Duration::ZERO,
        });
        pool.put("a", 1);
        assert_eq!(pool.take(&"a", |_| true), None);
        pool.put("a", 1);
        pool.sweep();
        assert!(pool.idle.lock().unwrap().is_empty());
    }
}
