//! The way through a parent proxy: CONNECT and its answer (RFC 9110, section 9.3.6), and the stream
//! that comes of it.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, ReadBuf};
use tokio::net::TcpStream;

use crate::logic::wire::http1::{HeadError, HeadLimits, ResponseHead, read_response_head};
use crate::model::{Authority, Login};

/// Interim answers that a parent may send before its final one.
const INTERIM: usize = 8;
/// What is shown of a parent's words.
const SHOWN: usize = 200;

/// Why a parent opened no tunnel.
#[derive(Debug, thiserror::Error)]
pub enum ParentError {
    /// 407.
    #[error("{}", .0.words())]
    Login(LoginFault),
    #[error("the parent proxy answers {status} {reason:?}")]
    Refused { status: u16, reason: String },
    #[error("the parent proxy's answer cannot be read: {0}")]
    Unreadable(HeadError),
    #[error("the parent proxy closed the connection before it answered")]
    Closed,
    #[error("the connection to the parent proxy failed: {0}")]
    Io(#[from] io::Error),
}

/// Why the parent does not know us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LoginFault {
    /// It wants a login, and there is none.
    Missing,
    /// It does not take the one that it got.
    Wrong,
    /// It does not take user and password as such; these are the schemes that it takes.
    NotBasic(String),
}

impl LoginFault {
    /// What follows from the challenges of a 407.
    pub fn of(challenges: &[&[u8]], login: Option<&Login>) -> LoginFault {
        let schemes: Vec<String> = challenges
            .iter()
            .filter_map(|challenge| {
                let text = String::from_utf8_lossy(challenge);
                let scheme = text.split([' ', ',']).next()?.to_owned();
                (!scheme.is_empty()).then_some(scheme)
            })
            .collect();
        let takes_basic = challenges
            .iter()
            .any(|challenge| names_basic(&String::from_utf8_lossy(challenge)));
        match login {
            _ if !schemes.is_empty() && !takes_basic => {
                LoginFault::NotBasic(shown(&schemes.join(", ")))
            }
            None => LoginFault::Missing,
            Some(_) => LoginFault::Wrong,
        }
    }

    /// What is wrong, and what mends it.
    pub fn words(&self) -> String {
        const MEND: &str = "put the user into upstream.proxy (http://USER@HOST:PORT) and the password into \
                            upstream.proxy_password_file or OUTGATE_UPSTREAM_PROXY_PASSWORD";
        match self {
            LoginFault::Missing => format!("the parent proxy wants a login (407); {MEND}"),
            LoginFault::Wrong => {
                format!("the parent proxy does not take the user and password (407); {MEND}")
            }
            LoginFault::NotBasic(schemes) => format!(
                "the parent proxy wants a login (407) by {schemes}, and outgate speaks Basic only"
            ),
        }
    }
}

/// Whether one of the challenges in the field is Basic.
fn names_basic(field: &str) -> bool {
    field.split(',').any(|part| {
        part.split_whitespace()
            .next()
            .is_some_and(|word| word.eq_ignore_ascii_case("basic"))
    })
}

/// Asks the parent on `stream` for a tunnel to `to`. Gives the bytes that came behind its answer.
///
/// # Errors
/// [`ParentError`].
pub async fn ask<S>(
    stream: &mut S,
    to: &Authority,
    login: Option<&Login>,
    limits: HeadLimits,
) -> Result<BytesMut, ParentError>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut request = zeroize::Zeroizing::new(format!(
        "CONNECT {to} HTTP/1.1\r\nHost: {to}\r\nProxy-Connection: keep-alive\r\n"
    ));
    if let Some(login) = login {
        request.push_str("Proxy-Authorization: ");
        request.push_str(login.basic().expose());
        request.push_str("\r\n");
    }
    request.push_str("\r\n");
    stream.write_all(request.as_bytes()).await?;
    stream.flush().await?;
    let mut read = BytesMut::new();
    let mut interim = 0;
    loop {
        match read_response_head(&read, "CONNECT", limits).map_err(ParentError::Unreadable)? {
            Some((head, used)) => {
                let _ = read.split_to(used);
                match head.status {
                    200..=299 => return Ok(read),
                    // A 101 to CONNECT means nothing that could be followed.
                    100 | 102..=199 if interim < INTERIM => interim += 1,
                    _ => return Err(refused(&head, login)),
                }
            }
            None => {
                if stream.read_buf(&mut read).await? == 0 {
                    return Err(ParentError::Closed);
                }
            }
        }
    }
}

fn refused(head: &ResponseHead, login: Option<&Login>) -> ParentError {
    if head.status == 407 {
        let challenges: Vec<&[u8]> = head.headers.all("proxy-authenticate").collect();
        return ParentError::Login(LoginFault::of(&challenges, login));
    }
    ParentError::Refused {
        status: head.status,
        reason: shown(&String::from_utf8_lossy(head.reason())),
    }
}

fn shown(text: &str) -> String {
    text.trim().chars().take(SHOWN).collect()
}

/// TLS over a TCP connection, whoever made it.
pub trait Secured: AsyncRead + AsyncWrite + Unpin + Send + std::fmt::Debug {
    /// The TCP connection at the bottom.
    fn tcp(&self) -> &TcpStream;
}

/// A connection to a parent proxy.
#[derive(Debug)]
pub enum Leg {
    Tcp(TcpStream),
    Tls(Box<dyn Secured>),
}

/// A connection towards a destination.
#[derive(Debug)]
pub enum Outbound {
    Tcp(TcpStream),
    /// Through a parent proxy, which has agreed.
    Parent(Box<Tunnelled>),
}

/// A tunnel through a parent proxy.
#[derive(Debug)]
pub struct Tunnelled {
    leg: Leg,
    /// What came behind the parent's answer.
    ahead: BytesMut,
}

impl Outbound {
    /// The tunnel on `leg`; `ahead` is read first.
    pub fn through(leg: Leg, ahead: BytesMut) -> Outbound {
        Outbound::Parent(Box::new(Tunnelled { leg, ahead }))
    }

    /// The destination's address, where it was dialled by us.
    pub fn address(&self) -> Option<SocketAddr> {
        match self {
            Outbound::Tcp(stream) => stream.peer_addr().ok(),
            Outbound::Parent(_) => None,
        }
    }

    /// The TCP connection at the bottom.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Outbound::Tcp(stream) => stream,
            Outbound::Parent(tunnelled) => tunnelled.leg.tcp(),
        }
    }
}

impl Leg {
    /// The TCP connection at the bottom.
    pub fn tcp(&self) -> &TcpStream {
        match self {
            Leg::Tcp(stream) => stream,
            Leg::Tls(tls) => tls.tcp(),
        }
    }
}

impl AsyncRead for Leg {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Leg::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Leg::Tls(tls) => Pin::new(tls).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for Leg {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Leg::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Leg::Tls(tls) => Pin::new(tls).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Leg::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Leg::Tls(tls) => Pin::new(tls).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Leg::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Leg::Tls(tls) => Pin::new(tls).poll_shutdown(context),
        }
    }
}

impl AsyncRead for Outbound {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let tunnelled = match self.get_mut() {
            Outbound::Tcp(stream) => return Pin::new(stream).poll_read(context, buffer),
            Outbound::Parent(tunnelled) => tunnelled,
        };
        if !tunnelled.ahead.is_empty() {
            let count = tunnelled.ahead.len().min(buffer.remaining());
            buffer.put_slice(&tunnelled.ahead.split_to(count));
            return Poll::Ready(Ok(()));
        }
        match Pin::new(&mut tunnelled.leg).poll_read(context, buffer) {
            // Parents end TLS without its goodbye. What is cut off inside a tunnel, the TLS in it
            // tells.
            Poll::Ready(Err(error)) if error.kind() == io::ErrorKind::UnexpectedEof => {
                Poll::Ready(Ok(()))
            }
            polled => polled,
        }
    }
}

impl AsyncWrite for Outbound {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Outbound::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Outbound::Parent(tunnelled) => Pin::new(&mut tunnelled.leg).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Outbound::Tcp(stream) => Pin::new(stream).poll_flush(context),
            Outbound::Parent(tunnelled) => Pin::new(&mut tunnelled.leg).poll_flush(context),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Outbound::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Outbound::Parent(tunnelled) => Pin::new(&mut tunnelled.leg).poll_shutdown(context),
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::duplex;

    use super::*;
    use crate::model::Secret;

    /// What is asked, and what comes of an answer.
    async fn asked(
        answer: &[u8],
        login: Option<&Login>,
    ) -> (String, Result<BytesMut, ParentError>) {
        let (mut ours, mut parent) = duplex(64 * 1024);
        let to = Authority::parse("[::1]:443", None).unwrap();
        let limits = HeadLimits {
            bytes: 1024,
            headers: 16,
        };
        let serve = async {
            let mut request = vec![0; 1024];
            let count = parent.read(&mut request).await.unwrap();
            request.truncate(count);
            parent.write_all(answer).await.unwrap();
            drop(parent);
            String::from_utf8(request).unwrap()
        };
        tokio::join!(serve, ask(&mut ours, &to, login, limits))
    }

    #[tokio::test]
    async fn bytes_behind_the_answer_are_kept_and_interim_answers_passed_over() {
        let login = Login {
            user: "me".to_owned(),
            password: Secret::new("pass"),
        };
        let answer =
            b"HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\nahead";
        let (request, ahead) = asked(answer, Some(&login)).await;
        assert_eq!(ahead.unwrap(), &b"ahead"[..]);
        assert_eq!(
            request,
            "CONNECT [::1]:443 HTTP/1.1\r\nHost: [::1]:443\r\nProxy-Connection: keep-alive\r\n\
             Proxy-Authorization: Basic bWU6cGFzcw==\r\n\r\n"
        );
        let (request, _) = asked(answer, None).await;
        assert!(!request.contains("Authorization"));
    }

    #[tokio::test]
    async fn whatever_else_a_parent_says_is_worded() {
        let endless = [&b"HTTP/1.1 200 OK\r\nA: "[..], &[b'a'; 4096]].concat();
        let interim = b"HTTP/1.1 100 Continue\r\n\r\n".repeat(20);
        let cases: [(&[u8], &str); 9] = [
            (
                b"HTTP/1.1 403 Blocked by outgate: port\r\nContent-Length: 0\r\n\r\n",
                "the parent proxy answers 403 \"Blocked by outgate: port\"",
            ),
            (
                b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Basic realm=\"a\"\r\n\r\n",
                "the parent proxy wants a login (407); put the user",
            ),
            (
                b"HTTP/1.1 407 Who\r\nProxy-Authenticate: Negotiate\r\nProxy-Authenticate: NTLM\r\n\r\n",
                "the parent proxy wants a login (407) by Negotiate, NTLM, and outgate speaks Basic only",
            ),
            (b"", "the parent proxy closed the connection"),
            (b"HTTP/1.1 200", "the parent proxy closed the connection"),
            (b"SSH-2.0-x\r\n", "the parent proxy's answer cannot be read: "),
            (&endless, "the parent proxy's answer cannot be read: "),
            (&interim, "the parent proxy answers 100 \"Continue\""),
            (
                b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: x\r\n\r\n",
                "the parent proxy answers 101 ",
            ),
        ];
        for (answer, words) in cases {
            let (_, ahead) = asked(answer, None).await;
            let error = ahead.unwrap_err().to_string();
            assert!(error.starts_with(words), "{error}");
        }
    }

    #[test]
    fn a_login_that_is_not_taken_is_told_from_one_that_is_missing() {
        let login = Login {
            user: "me".to_owned(),
            password: Secret::new("pass"),
        };
        type Case<'a> = (&'a [&'a [u8]], Option<&'a Login>, LoginFault);
        let cases: [Case<'_>; 5] = [
            (&[], None, LoginFault::Missing),
            (&[b"Basic realm=\"a\""], Some(&login), LoginFault::Wrong),
            (
                &[b"Negotiate, basic realm=\"a\""],
                None,
                LoginFault::Missing,
            ),
            (&[b"NTLM", b"BASIC"], Some(&login), LoginFault::Wrong),
            (
                &[b"Digest realm=\"basic\""],
                Some(&login),
                LoginFault::NotBasic("Digest".to_owned()),
            ),
        ];
        for (challenges, login, fault) in cases {
            assert_eq!(LoginFault::of(challenges, login), fault, "{challenges:?}");
        }
    }
}
