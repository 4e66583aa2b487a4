//! Names of parameters: which hold a secret, judged by whole words, and which belong to a signature.

/// A name in lower case, cut into words: at what is no letter or digit, and where capitals begin
/// (`accessToken`, `APIKey`).
pub(super) struct Name {
    letters: [u8; Name::MAX],
    length: usize,
    /// Where the words begin; as many as fit, the last ones.
    starts: [u8; Name::WORDS],
    words: usize,
}

/// A shorter value is no token.
pub(super) const SHORTEST_TOKEN: usize = 8;

/// What a value must be for the name to make it a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Secret {
    /// Whatever it is.
    Password,
    /// As long as tokens are.
    Token,
    /// Drawn by chance.
    Random,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Letter {
    None,
    Capital,
    Small,
    Digit,
}

impl Letter {
    const fn of(byte: u8) -> Letter {
        match byte {
            b'A'..=b'Z' => Letter::Capital,
            b'a'..=b'z' => Letter::Small,
            b'0'..=b'9' => Letter::Digit,
            _ => Letter::None,
        }
    }
}

impl Name {
    const MAX: usize = 48;
    const WORDS: usize = 8;

    /// Reads a name; `None` for one that is empty or too long to be a parameter's.
    pub(super) fn read(text: &[u8]) -> Option<Name> {
        if text.is_empty() || text.len() > Name::MAX {
            return None;
        }
        let mut name = Name {
            letters: [0; Name::MAX],
            length: 0,
            starts: [0; Name::WORDS],
            words: 0,
        };
        let mut before = Letter::None;
        for (&byte, behind) in text.iter().zip(text.iter().skip(1).chain([&b' '])) {
            let letter = Letter::of(byte);
            let begins = match letter {
                Letter::None => false,
                Letter::Capital => {
                    before != Letter::Capital && before != Letter::Digit
                        || behind.is_ascii_lowercase()
                }
                Letter::Small | Letter::Digit => before == Letter::None,
            };
            if begins {
                name.begin();
            }
            if letter != Letter::None
                && let Some(slot) = name.letters.get_mut(name.length)
            {
                *slot = byte.to_ascii_lowercase();
                name.length += 1;
            }
            before = letter;
        }
        (name.length > 0).then_some(name)
    }

    fn begin(&mut self) {
        if self.words == Name::WORDS {
            self.starts.rotate_left(1);
            self.words -= 1;
        }
        if let Some(slot) = self.starts.get_mut(self.words) {
            // At most MAX.
            *slot = u8::try_from(self.length).unwrap_or(u8::MAX);
            self.words += 1;
        }
    }

    /// All letters and digits, without what stood between them.
    pub(super) fn joined(&self) -> &[u8] {
        self.letters.get(..self.length).unwrap_or_default()
    }

    /// The word that is `back` words before the last.
    fn word(&self, back: usize) -> &[u8] {
        let Some(place) = self.words.checked_sub(back + 1) else {
            return b"";
        };
        let start = self.starts.get(place).copied().map_or(0, usize::from);
        let end = if back == 0 {
            self.length
        } else {
            self.starts
                .get(place + 1)
                .copied()
                .map_or(self.length, usize::from)
        };
        self.letters.get(start..end).unwrap_or_default()
    }

    fn has_word(&self, words: &[&[u8]]) -> bool {
        (0..self.words).any(|back| words.contains(&self.word(back)))
    }

    /// Whether a parameter of this name, with so many bytes as its value, may hold a secret.
    pub(super) fn secret(&self, length: usize) -> Option<Secret> {
        let last = self.word(0);
        // `token2`, `password1`.
        let digits = last.iter().rev().take_while(|byte| byte.is_ascii_digit());
        let last = last.get(..last.len() - digits.count()).unwrap_or_default();
        // Most names end otherwise.
        if !matches!(
            last.last(),
            Some(b'n' | b'y' | b'd' | b'e' | b's' | b't' | b'h' | b'r')
        ) {
            return None;
        }
        if last.ends_with(b"password") || last.ends_with(b"passwd") {
            return (!self.has_word(NO_PASSWORD)).then_some(Secret::Password);
        }
        if length < SHORTEST_TOKEN && !matches!(last, b"pwd" | b"passphrase" | b"pass") {
            return None;
        }
        match last {
            b"pwd" | b"passphrase" | b"pass" => {
                (!self.has_word(NO_PASSWORD)).then_some(Secret::Password)
            }
            b"secret" | b"clientsecret" | b"appsecret" | b"apisecret" | b"consumersecret"
            | b"sharedsecret" | b"webhooksecret" => Some(Secret::Token),
            b"token" => (!self.has_word(NO_CREDENTIAL_TOKEN)).then_some(Secret::Token),
            b"accesstoken" | b"authtoken" | b"apitoken" | b"privatetoken" | b"refreshtoken"
            | b"idtoken" | b"sessiontoken" | b"bearertoken" | b"usertoken" | b"oauthtoken"
            | b"securitytoken" | b"jobtoken" | b"deploytoken" | b"webtoken" | b"logintoken"
            | b"admintoken" | b"bottoken" | b"hftoken" | b"githubtoken" | b"signintoken" => {
                Some(Secret::Token)
            }
            b"key" => KEYS.contains(&self.word(1)).then_some(Secret::Token),
            b"apikey" | b"secretkey" | b"privatekey" | b"accesskey" | b"subscriptionkey"
            | b"authkey" | b"accountkey" | b"licensekey" | b"licencekey" | b"masterkey"
            | b"servicekey" | b"sharedkey" | b"sharedaccesskey" | b"secretaccesskey"
            | b"sessionkey" | b"adminkey" | b"apisecretkey" | b"encryptionkey" => {
                Some(Secret::Token)
            }
            b"jsessionid" | b"phpsessid" | b"authorization" | b"bearer" => Some(Secret::Token),
            b"jwt" | b"auth" | b"pat" => Some(Secret::Random),
            _ => None,
        }
    }

    /// The part of a signature that a parameter of this name is.
    pub(super) fn sign(&self) -> Option<Sign> {
        let joined = self.joined();
        Some(match joined.len() {
            2 => match joined {
                b"sv" => Sign::SasVersion,
                b"se" => Sign::SasExpiry,
                b"si" => Sign::SasPolicy,
                b"sp" | b"sr" | b"st" | b"ss" => Sign::Companion,
                _ => return None,
            },
            3 => match joined {
                b"sig" => Sign::SasSignature,
                b"jwt" | b"srt" | b"spr" | b"sip" | b"skt" | b"ske" | b"sks" | b"skv" => {
                    Sign::Companion
                }
                b"skn" => Sign::SasPolicy,
                _ => return None,
            },
            5 => match joined {
                b"skoid" | b"sktid" => Sign::Companion,
                b"token" | b"hdnts" | b"hdnea" | b"hdntl" => Sign::Token,
                _ => return None,
            },
            6 => match joined {
                b"policy" => Sign::Companion,
                _ => return None,
            },
            7 => match joined {
                b"expires" => Sign::Expires,
                b"keyname" => Sign::KeyName,
                _ => return None,
            },
            8.. => match joined {
                b"signature" => Sign::Signature,
                b"authtoken" => Sign::Token,
                b"xamzdate" => Sign::Companion,
                b"keypairid" => Sign::KeyPairId,
                b"googaccessid" | b"googleaccessid" => Sign::GoogleAccessId,
                b"awsaccesskeyid" => Sign::AwsAccessKeyId,
                b"ossaccesskeyid" => Sign::AwsAccessKeyId,
                b"xamzalgorithm" | b"xgoogalgorithm" => Sign::Algorithm,
                b"xamzcredential" | b"xgoogcredential" => Sign::Credential,
                b"xamzsignature" => Sign::AmzSignature,
                b"xgoogsignature" => Sign::GoogSignature,
                b"xamzregionset" => Sign::RegionSet,
                b"xamzsecuritytoken"
                | b"xamzsignedheaders"
                | b"xamzexpires"
                | b"xgoogsignedheaders"
                | b"xgoogexpires"
                | b"xgoogdate"
                | b"xamzcontentsha256" => Sign::Companion,
                _ => return None,
            },
            _ => return None,
        })
    }
}

/// Parts of signatures, each a bit of [`Signs`](super::signed::Signs).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sign {
    Algorithm,
    Credential,
    AmzSignature,
    GoogSignature,
    RegionSet,
    AwsAccessKeyId,
    GoogleAccessId,
    Signature,
    Expires,
    KeyPairId,
    KeyName,
    SasSignature,
    SasVersion,
    SasExpiry,
    SasPolicy,
    /// Beside a signature it belongs to it; alone it may be a credential.
    Companion,
    /// A token, which some hosts sign.
    Token,
    /// A token with the parts of Akamai's.
    Akamai,
}

/// Beside `password`: it is about one, and none.
const NO_PASSWORD: &[&[u8]] = &[
    b"forgot",
    b"reset",
    b"change",
    b"show",
    b"hide",
    b"has",
    b"is",
    b"no",
    b"require",
    b"required",
    b"without",
    b"by",
    b"single",
    b"multi",
    b"two",
    b"one",
    b"first",
    b"second",
];

/// Beside `token`: cursors, idempotency and form tokens, and the tokens of tokenizers.
const NO_CREDENTIAL_TOKEN: &[&[u8]] = &[
    b"page",
    b"next",
    b"continuation",
    b"cursor",
    b"pagination",
    b"paging",
    b"sync",
    b"csrf",
    b"xsrf",
    b"csrfmiddleware",
    b"authenticity",
    b"antiforgery",
    b"verification",
    b"request",
    b"client",
    b"idempotency",
    b"starting",
    b"start",
    b"resume",
    b"resumption",
    b"previous",
    b"prev",
    b"last",
    b"first",
    b"scroll",
    b"watch",
    b"change",
    b"delta",
    b"marker",
    b"list",
    b"nonce",
    b"eos",
    b"bos",
    b"pad",
    b"unk",
    b"sep",
    b"cls",
    b"mask",
    b"special",
    b"max",
    b"min",
    b"num",
    b"stop",
    b"end",
    b"begin",
    b"update",
    b"lock",
    b"creation",
    b"rewrite",
    b"operation",
    b"dedup",
    b"deduplication",
    b"concurrency",
    b"fencing",
    b"version",
    b"search",
    b"scan",
    b"query",
    b"sort",
    b"order",
    b"before",
    b"after",
    b"batch",
    b"cache",
    b"history",
    b"stream",
    b"shard",
    b"iterator",
    b"revision",
    b"snapshot",
    b"captcha",
    b"recaptcha",
    b"turnstile",
    b"per",
    b"skip",
    b"use",
    b"has",
    b"is",
    b"no",
    b"by",
    b"design",
    b"contract",
    b"erc20",
    b"nft",
    b"base",
    b"quote",
    b"count",
    b"new",
];

/// Before `key`.
const KEYS: &[&[u8]] = &[
    b"api",
    b"secret",
    b"private",
    b"access",
    b"subscription",
    b"auth",
    b"account",
    b"shared",
    b"license",
    b"licence",
    b"encryption",
    b"signing",
    b"master",
    b"service",
    b"app",
    b"application",
    b"function",
    b"functions",
    b"admin",
    b"developer",
    b"session",
    b"ssh",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(name: &str) -> Option<Secret> {
        Name::read(name.as_bytes()).and_then(|name| name.secret(40))
    }

    #[test]
    fn names_are_judged_by_whole_words() {
        for name in [
            "access_token",
            "accessToken",
            "ACCESS_TOKEN",
            "access-token",
            "accesstoken",
            "token",
            "api_key",
            "apiKey",
            "APIKey",
            "apikey",
            "X-API-Key",
            "x-api-key",
            "client_secret",
            "clientSecret",
            "password",
            "Password",
            "passwd",
            "pwd",
            "user[password]",
            "db_password",
            "dbpassword",
            "private_token",
            "job_token",
            "auth_token",
            "id_token",
            "refresh_token",
            "hf_token",
            "github_token",
            "aws_secret_access_key",
            "secret",
            "subscription-key",
            "Ocp-Apim-Subscription-Key",
            "SigninToken",
            "X-Amz-Security-Token",
            "token2",
            "license_key",
            "PRIVATE-TOKEN",
            "sessionToken",
            "api.key",
            "jsessionid",
        ] {
            assert!(secret(name).is_some(), "{name}");
        }
        for name in [
            "page_token",
            "pageToken",
            "NextToken",
            "continuation-token",
            "next_page_token",
            "ClientToken",
            "ClientRequestToken",
            "max_tokens",
            "tokens",
            "tokenizer",
            "token_type",
            "author",
            "authors",
            "password_reset",
            "reset_password",
            "forgot_password",
            "key",
            "sort_key",
            "object_key",
            "cache_key",
            "primary_key",
            "public_key",
            "key-marker",
            "monkey",
            "turkey",
            "compass",
            "bypass",
            "secretary",
            "secret_name",
            "SecretId",
            "csrf_token",
            "eos_token",
            "tokenize",
            "keyword",
            "passport",
            "signature",
            "sig",
            "access_key_id",
            "AWSAccessKeyId",
            "uploadId",
            "X-Amz-Credential",
            "syncToken",
            "",
            "_",
            "==",
        ] {
            assert!(secret(name).is_none(), "{name}");
        }
    }
}
