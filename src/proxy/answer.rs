//! What a refused client is told: status, reason phrase, problem document (RFC 9457) and
//! `Proxy-Status` (RFC 9209).

use serde::Serialize;

use crate::model::{Decision, Rule};

use super::heads::AUTHORITY;

/// Where docs/rules.md is published; `type` points to the rule's heading.
const RULES_PAGE: &str = "https://docs.rs/outgate/latest/outgate/rules/index.html";

/// One answer of outgate's own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Answer {
    pub status: u16,
    /// The reason phrase; urllib3 and Java print it.
    pub reason: String,
    /// RFC 9209, section 2.3.
    pub proxy_error: &'static str,
    pub rule: Option<Rule>,
    pub title: String,
    /// What was wrong, where, and how to mend it.
    pub detail: String,
}

impl Answer {
    /// The answer to a refusal.
    pub(super) fn refusal(decision: &Decision) -> Answer {
        let rule = decision.rule.unwrap_or(Rule::Destination);
        let leading = decision.leading();
        let detail = leading.map_or_else(String::new, |finding| finding.hint.clone());
        // RFC 9110, section 15.5.20: the client may ask the other host on its own connection.
        let is_misdirected =
            leading.is_some_and(|finding| rule == Rule::SniMismatch && finding.place == AUTHORITY);
        let status = if is_misdirected { 421 } else { rule.status() };
        Answer::by_rule(rule, status, detail)
    }

    /// The answer of one rule.
    pub(super) fn by_rule(rule: Rule, status: u16, detail: String) -> Answer {
        Answer {
            status,
            reason: format!("Blocked by outgate: {rule}"),
            proxy_error: proxy_error(rule),
            rule: Some(rule),
            title: format!("Blocked by outgate: {rule}"),
            detail,
        }
    }

    /// The upstream failed: `error` is RFC 9209's word for how.
    pub(super) fn upstream(status: u16, error: &'static str, detail: String) -> Answer {
        let title = if status == 504 {
            "The upstream did not answer in time"
        } else {
            "The upstream could not be reached"
        };
        Answer {
            status,
            reason: if status == 504 {
                "Gateway Timeout (outgate)"
            } else {
                "Bad Gateway (outgate)"
            }
            .to_owned(),
            proxy_error: error,
            rule: None,
            title: title.to_owned(),
            detail,
        }
    }

    /// The problem document.
    pub(super) fn body(&self, request_id: &str) -> Vec<u8> {
        #[derive(Serialize)]
        struct Problem<'a> {
            r#type: String,
            title: &'a str,
            status: u16,
            detail: &'a str,
            rule: Option<&'static str>,
            request_id: &'a str,
        }
        let problem = Problem {
            r#type: self.rule.map_or_else(
                || "about:blank".to_owned(),
                |rule| format!("{RULES_PAGE}#{rule}"),
            ),
            title: &self.title,
            status: self.status,
            detail: &self.detail,
            rule: self.rule.map(Rule::id),
            request_id,
        };
        let mut body = serde_json::to_vec(&problem).unwrap_or_default();
        body.push(b'\n');
        body
    }

    /// The value of `Proxy-Status`.
    pub(super) fn proxy_status(&self) -> String {
        let mut value = format!("outgate; error={}", self.proxy_error);
        let details = self
            .rule
            .map_or_else(|| self.detail.clone(), |rule| rule.id().to_owned());
        // An RFC 8941 string: printable ASCII, quotes and backslashes escaped.
        value.push_str("; details=\"");
        for c in details.chars().take(200) {
            match c {
                '"' | '\\' => value.extend(['\\', c]),
                ' '..='~' => value.push(c),
                _ => value.push('?'),
            }
        }
        value.push('"');
        value
    }

    /// Further header lines that the status asks for.
    pub(super) fn extra_headers(&self) -> &'static [(&'static str, &'static str)] {
        match self.status {
            407 => &[("proxy-authenticate", "Basic realm=\"outgate\"")],
            // Sending the same again can help; a head that is too long stays so.
            503 if self.proxy_error != "http_request_error" => &[("retry-after", "5")],
            _ => &[],
        }
    }

    /// The whole answer as HTTP/1.1, closing the connection. `head_only` for an answer to HEAD.
    pub(super) fn http1(&self, request_id: &str, head_only: bool) -> Vec<u8> {
        let body = self.body(request_id);
        let mut out = format!(
            "HTTP/1.1 {} {}\r\ncontent-type: application/problem+json\r\ncontent-length: {}\r\nproxy-status: {}\r\ncache-control: no-store\r\nconnection: close\r\n",
            self.status,
            self.reason,
            body.len(),
            self.proxy_status(),
        )
        .into_bytes();
        for (name, value) in self.extra_headers() {
            out.extend_from_slice(format!("{name}: {value}\r\n").as_bytes());
        }
        out.extend_from_slice(b"\r\n");
        if !head_only {
            out.extend_from_slice(&body);
        }
        out
    }
}

/// RFC 9209, section 2.3.
const fn proxy_error(rule: Rule) -> &'static str {
    match rule {
        Rule::MalformedRequest => "http_request_error",
        Rule::Limits => "connection_limit_reached",
        Rule::AuditUnavailable => "proxy_internal_error",
        Rule::InstanceMetadata | Rule::PrivateAddress => "destination_ip_prohibited",
        Rule::InvalidCertificate => "tls_certificate_error",
        Rule::WeakTls => "tls_protocol_error",
        Rule::ClientAuth
        | Rule::UrlCredentials
        | Rule::AwsPlaintext
        | Rule::Port
        | Rule::Destination
        | Rule::SniMismatch
        | Rule::NotTls
        | Rule::AwsAccount
        | Rule::AwsRegion
        | Rule::AwsFips
        | Rule::AwsLongTermKey
        | Rule::AwsSignature
        | Rule::AwsGuardrail
        | Rule::PresignedUrl
        | Rule::SensitiveData
        | Rule::Plaintext => "http_request_denied",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_names_rule_reason_and_way_out() {
        let answer = Answer::by_rule(
            Rule::AwsPlaintext,
            403,
            "Use https:// for s3.amazonaws.com.".to_owned(),
        );
        let text = String::from_utf8(answer.http1("the-id", false)).unwrap();
        assert_eq!(
            text,
            "HTTP/1.1 403 Blocked by outgate: aws-plaintext\r\n\
             content-type: application/problem+json\r\ncontent-length: 229\r\n\
             proxy-status: outgate; error=http_request_denied; details=\"aws-plaintext\"\r\n\
             cache-control: no-store\r\nconnection: close\r\n\r\n\
             {\"type\":\"https://docs.rs/outgate/latest/outgate/rules/index.html#aws-plaintext\",\
             \"title\":\"Blocked by outgate: aws-plaintext\",\"status\":403,\
             \"detail\":\"Use https:// for s3.amazonaws.com.\",\"rule\":\"aws-plaintext\",\"request_id\":\"the-id\"}\n"
        );
        let head = answer.http1("the-id", true);
        assert!(text.as_bytes().starts_with(&head) && head.ends_with(b"\r\n\r\n"));
    }

    #[test]
    fn proxy_status_stays_a_quoted_ascii_string() {
        let answer = Answer::upstream(502, "dns_error", "a \"b\" \\ é\r\nx".to_owned());
        assert_eq!(
            answer.proxy_status(),
            r#"outgate; error=dns_error; details="a \"b\" \\ ???x""#
        );
    }
}
