//! `--batch`: one line in, one JSON line out, in order.

use std::io::{self, BufRead, BufReader, BufWriter, Read, Write};

use super::super::output::finish;
use super::super::{FINE, USAGE, complain};
use crate::logic::explain::{Explainer, MAX_LINE};

/// How much is read at once.
const CHUNK: usize = 64 * 1024;

pub(super) fn run(explainer: Explainer<'_>, input: &mut impl Read, output: &mut impl Write) -> u8 {
    let mut input = BufReader::with_capacity(CHUNK, input);
    let mut output = BufWriter::with_capacity(CHUNK, output);
    loop {
        // Whoever waits for its answers before it writes on gets them.
        if !has_whole_line(&input)
            && let Err(error) = output.flush()
        {
            return finish(Err(error), FINE);
        }
        let line = match read_line(&mut input) {
            Ok(Some(line)) => line,
            Ok(None) => return finish(output.flush(), FINE),
            Err(error) => {
                complain(format_args!("cannot read standard input: {error}"));
                return USAGE;
            }
        };
        let answer = explainer.line(&line).json();
        if let Err(error) = writeln!(output, "{answer}") {
            return finish(Err(error), FINE);
        }
    }
}

fn has_whole_line<R: Read>(input: &BufReader<R>) -> bool {
    memchr::memchr(b'\n', input.buffer()).is_some()
}

/// The next line without its newline; `None` at the end. Of a line that is too long one byte more
/// than allowed is kept, by which it is known.
fn read_line<R: Read>(input: &mut BufReader<R>) -> io::Result<Option<Vec<u8>>> {
    let mut line = Vec::new();
    let mut begun = false;
    loop {
        let chunk = match input.fill_buf() {
            Ok(chunk) => chunk,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
            Err(error) => return Err(error),
        };
        if chunk.is_empty() {
            return Ok(begun.then_some(line));
        }
        begun = true;
        let end = memchr::memchr(b'\n', chunk);
        let part = chunk.get(..end.unwrap_or(chunk.len())).unwrap_or_default();
        let room = (MAX_LINE + 1).saturating_sub(line.len());
        line.extend_from_slice(part.get(..room).unwrap_or(part));
        let used = part.len() + usize::from(end.is_some());
        input.consume(used);
        if end.is_some() {
            return Ok(Some(line));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logic::policy::Policy;

    fn answers(input: &[u8]) -> Vec<serde_json::Value> {
        let policy = Policy::default();
        let mut out = Vec::new();
        assert_eq!(
            run(Explainer::new(&policy, &[]), &mut &*input, &mut out),
            FINE
        );
        let text = String::from_utf8(out).unwrap();
        text.lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    #[test]
    fn every_line_has_one_answer() {
        assert!(answers(b"").is_empty());
        assert_eq!(answers(b"\n").len(), 1);
        assert_eq!(answers(b"\r\n\r\n").len(), 2);
        assert_eq!(
            answers(b"https://a.example/\n\nhttps://b.example/").len(),
            3
        );
        assert_eq!(answers(b"\xff\xfe\nhttps://a.example/\n").len(), 2);
    }

    #[test]
    fn a_line_at_the_limit_is_read_and_a_longer_one_told() {
        let mut input = b"https://a.example/".to_vec();
        input.resize(MAX_LINE, b'a');
        input.push(b'\n');
        input.resize(input.len() + MAX_LINE + 1, b'b');
        input.extend(b"\nhttps://c.example/\n");
        let answers = answers(&input);
        assert_eq!(answers.len(), 3);
        assert_eq!(answers[0]["error"], serde_json::Value::Null);
        assert!(
            answers[1]["error"]
                .as_str()
                .is_some_and(|error| error.contains("longer"))
        );
        assert_eq!(answers[2]["destination"]["host"], "c.example");
    }
}
