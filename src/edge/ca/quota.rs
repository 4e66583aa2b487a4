//! How many certificates one client may cause.

use std::net::IpAddr;
use std::net::Ipv6Addr;
use std::num::NonZeroU32;

use governor::Quota;
use governor::RateLimiter;
use governor::clock::Clock;
use governor::clock::DefaultClock;
use governor::middleware::NoOpMiddleware;
use governor::state::keyed::DefaultKeyedStateStore;

/// The most clients that are told apart at a time; all above share one quota.
const CLIENTS: usize = 4096;

/// Who is counted: an IPv4 address, or an IPv6 network of 64 bits, which is what one machine has.
/// Clients without an address (Unix sockets) count as one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
enum Client {
    At(IpAddr),
    Local,
    TooMany,
}

/// A quota per client, in bounded memory.
#[derive(Debug)]
pub(super) struct Quotas<C: Clock = DefaultClock> {
    limiter: RateLimiter<Client, DefaultKeyedStateStore<Client>, C, NoOpMiddleware<C::Instant>>,
}

impl<C: Clock> Quotas<C> {
    /// `burst` at once, then `per_second`.
    pub(super) fn new(burst: NonZeroU32, per_second: NonZeroU32, clock: C) -> Quotas<C> {
        let quota = Quota::per_second(per_second).allow_burst(burst);
        Quotas {
            limiter: RateLimiter::new(quota, DefaultKeyedStateStore::default(), clock),
        }
    }

    /// Takes one from the client's quota; false when there is none left.
    pub(super) fn take(&self, client: Option<IpAddr>) -> bool {
        let mut key = Client::of(client);
        if self.limiter.len() >= CLIENTS {
            // Those whose quota is full again need no memory.
            self.limiter.retain_recent();
            if self.limiter.len() >= CLIENTS {
                key = Client::TooMany;
            }
        }
        self.limiter.check_key(&key).is_ok()
    }
}

impl Client {
    fn of(addr: Option<IpAddr>) -> Client {
        match addr.map(|addr| addr.to_canonical()) {
            None => Client::Local,
            Some(IpAddr::V4(addr)) => Client::At(addr.into()),
            Some(IpAddr::V6(addr)) => {
                let network = addr.to_bits() & !u128::from(u64::MAX);
                Client::At(Ipv6Addr::from_bits(network).into())
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::Ipv4Addr;
    use std::time::Duration;

    use governor::clock::FakeRelativeClock;

    use super::*;

    fn quotas(clock: &FakeRelativeClock) -> Quotas<FakeRelativeClock> {
        let number = |n| NonZeroU32::new(n).unwrap();
        Quotas::new(number(3), number(1), clock.clone())
    }

    #[test]
    fn each_client_has_its_own() {
        let clock = FakeRelativeClock::default();
        let quotas = quotas(&clock);
        let spent = |client: Option<&str>| {
            let client = client.map(|text| text.parse().unwrap());
            (0..10).filter(|_| quotas.take(client)).count()
        };
        assert_eq!(spent(Some("192.0.2.1")), 3);
        assert_eq!(spent(Some("::ffff:192.0.2.1")), 0, "the same client");
        assert_eq!(spent(Some("192.0.2.2")), 3);
        assert_eq!(spent(Some("2001:db8::1")), 3);
        assert_eq!(spent(Some("2001:db8::2:3")), 0, "the same network");
        assert_eq!(spent(Some("2001:db8:0:1::1")), 3);
        assert_eq!(spent(None), 3);
        clock.advance(Duration::from_secs(2));
        assert_eq!(spent(Some("192.0.2.1")), 2);
    }

    #[test]
    fn clients_without_end_take_no_memory_without_end() {
        let clock = FakeRelativeClock::default();
        let quotas = quotas(&clock);
        let flood = |from: u32| {
            let client = |n| Some(IpAddr::from(Ipv4Addr::from_bits(n)));
            (from..from + 10_000)
                .filter(|n| quotas.take(client(*n)))
                .count()
        };
        assert_eq!(flood(0), CLIENTS + 3, "the rest shares one quota");
        assert!(quotas.limiter.len() <= CLIENTS + 1);
        clock.advance(Duration::from_secs(10));
        assert!(quotas.take(Some("203.0.113.1".parse().unwrap())));
        assert!(quotas.limiter.len() <= 2, "those at rest are forgotten");
    }
}
