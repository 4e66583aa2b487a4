//! What tells a token from a word that looks like one: check sums, variety, placeholders.

/// Of letters, digits, `_` and `-`: what stands between two bytes that are none of these is a word.
pub(super) const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-')
}

/// Whether the last six characters are the check sum of those before them, as GitHub and npm have
/// it: CRC-32 in base 62 (digits, capitals, small letters), filled up with zeros.
pub(super) fn has_crc(body: &[u8]) -> bool {
    let Some((text, sum)) = body.split_last_chunk::<6>() else {
        return false;
    };
    let value = sum.iter().try_fold(0_u64, |value, &byte| {
        let digit = match byte {
            b'0'..=b'9' => byte - b'0',
            b'A'..=b'Z' => byte - b'A' + 10,
            b'a'..=b'z' => byte - b'a' + 36,
            _ => return None,
        };
        Some(value * 62 + u64::from(digit))
    });
    value == Some(u64::from(crc32(text)))
}

/// CRC-32 as in IEEE 802.3, bit by bit: it runs over thirty bytes, once in a token.
pub(super) fn crc32(bytes: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for &byte in bytes {
        crc ^= u32::from(byte);
        for _ in 0..8 {
            let is_odd = crc & 1 == 1;
            crc >>= 1;
            if is_odd {
                crc ^= 0xEDB8_8320;
            }
        }
    }
    !crc
}

/// Whether the text is made of enough different characters to be drawn by chance, and no example
/// of the form.
pub(super) fn is_varied(text: &[u8]) -> bool {
    let mut seen = 0_u128;
    let mut alike = 0_u8;
    let mut last = 0_u8;
    for &byte in text {
        let byte = byte & 0x7F;
        seen |= 1 << byte;
        alike = if byte == last { alike + 1 } else { 1 };
        last = byte;
        // Five of a kind in a row: XXXXX, 00000.
        if alike == 5 {
            return false;
        }
    }
    seen.count_ones() >= 7 && !holds(text, b"EXAMPLE") && !holds(text, b"YOUR")
}

/// Whether it looks drawn by chance and not written by a person: digits between letters.
pub(super) fn looks_random(text: &[u8]) -> bool {
    let digits = text.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = text
        .iter()
        .filter(|byte| byte.is_ascii_alphabetic())
        .count();
    let plain = text
        .iter()
        .all(|&byte| is_word(byte) || matches!(byte, b'.' | b'~' | b'+' | b'/' | b'=' | b'%'));
    plain && digits >= 3 && letters >= 3 && is_varied(text)
}

pub(super) fn holds(text: &[u8], word: &[u8]) -> bool {
    memchr::memmem::find(text, word).is_some()
}

/// Whether a value stands for one that is to be put there, or is none: `<token>`, `${TOKEN}`,
/// `xxxx`, `true`.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let (Some(&first), Some(&last)) = (value.first(), value.last()) else {
        return true;
    };
    let second = value.get(1).copied().unwrap_or(0);
    match (first, last) {
        (b'<', b'>') | (b'{', b'}') | (b'[', b']') | (b'%', b'%') => return true,
        (b'$', _) if matches!(second, b'{' | b'(') || second.is_ascii_uppercase() => return true,
        // printf and Python forms.
        (b'%', _) if matches!(second, b's' | b'd' | b'(') && value.len() < 24 => return true,
        _ => {}
    }
    let is_filler = |byte: &u8| matches!(byte, b'x' | b'X' | b'*' | b'.' | b'-' | b'_' | b'#');
    let is_alike = value.len() >= 4 && value.iter().all(|&byte| byte == first);
    if is_alike || value.iter().all(is_filler) {
        return true;
    }
    if value.len() <= 3 && value.iter().all(u8::is_ascii_digit) {
        return true;
    }
    let mut lower = [0_u8; 48];
    let Some(lower) = lower.get_mut(..value.len()) else {
        return holds(value, b"EXAMPLE");
    };
    lower.copy_from_slice(value);
    lower.make_ascii_lowercase();
    const NO_VALUES: [&[u8]; 20] = [
        b"true",
        b"false",
        b"yes",
        b"no",
        b"on",
        b"off",
        b"null",
        b"none",
        b"nil",
        b"undefined",
        b"unset",
        b"empty",
        b"required",
        b"optional",
        b"todo",
        b"tbd",
        b"n/a",
        b"basic",
        b"bearer",
        b"default",
    ];
    NO_VALUES.contains(&&*lower)
        || lower.starts_with(b"your")
        || lower.starts_with(b"insert")
        || lower.starts_with(b"replace")
        || lower.starts_with(b"arn:")
        || holds(lower, b"placeholder")
        || holds(lower, b"redacted")
        || holds(lower, b"xxxx")
        || holds(value, b"EXAMPLE")
        || value.starts_with(b"MY_")
        || value.ends_with(b"_HERE")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_check_sum_is_that_of_published_samples() {
        // https://github.com/therootcompany/base62-token.js, whose sample token was revoked by
        // its own author; only its tail is repeated here.
        assert!(has_crc(
            concat!("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq17").as_bytes()
        ));
        assert!(!has_crc(
            concat!("zQWBuTSOoRi4A9spHcVY5ncnsDkxkJ", "0mLq18").as_bytes()
        ));
        assert!(!has_crc(b"short"));
        assert_eq!(crc32(b"123456789"), 0xCBF4_3926);
    }

    #[test]
    fn what_stands_for_a_value_is_none() {
        for value in [
            "",
            "<token>",
            "${TOKEN}",
            "$TOKEN",
            "$(cat x)",
            "{token}",
            "{{ token }}",
            "xxxx",
            "XXXXXXXXXXXX",
            "****",
            "...",
            "true",
            "False",
            "null",
            "1",
            "0",
            "YOUR_API_KEY",
            "your-token",
            "%s",
            "%(token)s",
            "[REDACTED]",
            "REDACTED",
            "aaaaaaaa",
            "%TOKEN%",
            "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "INSERT_TOKEN",
            "TOKEN_HERE",
        ] {
            assert!(is_placeholder(value.as_bytes()), "{value}");
        }
        for value in [
            "hunter2", "s3cr3t", "1234", "p", "$ecret", "changeme", "letmein",
        ] {
            assert!(!is_placeholder(value.as_bytes()), "{value}");
        }
    }
}
