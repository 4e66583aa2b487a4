//! HTTP/1 answers, read from raw streams.

use std::io::Read;

use serde_json::Value;

/// One answer of outgate's own, or of an origin.
#[derive(Debug, Clone, Default)]
pub struct Answer {
    pub head: String,
    pub status: u16,
    pub body: Vec<u8>,
}

impl Answer {
    /// Reads a head and the body that its Content-Length announces (or all that comes).
    pub fn read(stream: &mut impl Read) -> Answer {
        Answer::read_as(stream, false)
    }

    /// As [`Answer::read`]; the answer to HEAD has no body.
    pub fn read_as(stream: &mut impl Read, head_only: bool) -> Answer {
        let mut bytes = Vec::new();
        let mut byte = [0];
        while !bytes.ends_with(b"\r\n\r\n") {
            match stream.read(&mut byte) {
                Ok(1) => bytes.push(byte[0]),
                Ok(_) | Err(_) => break,
            }
        }
        let mut answer = Answer {
            head: String::from_utf8_lossy(&bytes).into_owned(),
            ..Answer::default()
        };
        answer.status = answer
            .head
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse().ok())
            .unwrap_or(0);
        if head_only || matches!(answer.status, 100..200 | 204 | 304) {
            return answer;
        }
        match answer
            .header("content-length")
            .map(|length| length.parse::<u64>().unwrap())
        {
            Some(length) => {
                let _ = stream.take(length).read_to_end(&mut answer.body);
            }
            None => {
                let _ = stream.read_to_end(&mut answer.body);
            }
        }
        answer
    }

    /// The first header of that name.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut lines = self
            .head
            .lines()
            .skip(1)
            .filter_map(|line| line.split_once(':'));
        lines
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.trim())
    }

    /// The status line.
    pub fn status_line(&self) -> &str {
        self.head.lines().next().unwrap_or_default()
    }

    /// The problem document that a refusal carries.
    pub fn problem(&self) -> Value {
        assert_eq!(
            self.header("content-type"),
            Some("application/problem+json"),
            "{}",
            self.head
        );
        let problem: Value = serde_json::from_slice(&self.body).expect("a problem document");
        assert_eq!(problem["status"], self.status, "{problem}");
        problem
    }

    /// The rule that it names.
    pub fn rule(&self) -> String {
        self.problem()["rule"]
            .as_str()
            .unwrap_or_default()
            .to_owned()
    }

    /// The request's id, as in the record.
    pub fn request_id(&self) -> String {
        self.problem()["request_id"].as_str().unwrap().to_owned()
    }
}
