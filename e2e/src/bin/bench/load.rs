//! The load: one request again and again over a few keep-alive connections.

use std::{
    io::{Read, Write},
    net::{SocketAddr, TcpStream},
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail, ensure};

/// Open connections to one listener. Envoy always has a request to work on, so that its CPU time per request is that
/// of a busy proxy; one thread without an event loop keeps the generator cheap.
pub(crate) struct Load {
    connections: Vec<TcpStream>,
    request: Vec<u8>,
    response: Vec<u8>,
    expected: &'static str,
}

impl Load {
    pub(crate) fn connect(
        address: SocketAddr,
        request: String,
        expected: &'static str,
    ) -> Result<Self> {
        let connections = (0..CONNECTIONS)
            .map(|_| {
                let stream = TcpStream::connect(address)?;
                stream.set_nodelay(true)?;
                stream.set_read_timeout(Some(PATIENCE))?;
                Ok(stream)
            })
            .collect::<Result<_>>()?;
        Ok(Self {
            connections,
            request: request.into_bytes(),
            response: vec![0; 64 * 1024],
            expected,
        })
    }

    /// Sends this many requests (rounded down to a multiple of the connections), checks each answer, and tells how
    /// many there were.
    pub(crate) fn run(&mut self, requests: usize) -> Result<usize> {
        let turns = requests / CONNECTIONS;
        for connection in &mut self.connections {
            connection.write_all(&self.request)?;
        }
        for turn in 1..=turns {
            for connection in &mut self.connections {
                let body = read_response(connection, &mut self.response)?;
                ensure!(
                    body == self.expected,
                    "answered {body:?}, not {:?}",
                    self.expected
                );
                if turn < turns {
                    connection.write_all(&self.request)?;
                }
            }
        }
        Ok(turns * CONNECTIONS)
    }
}

impl Load {
    /// Sends requests one after the other on one connection; microseconds that each took.
    pub(crate) fn times(&mut self, requests: usize) -> Result<Vec<f64>> {
        let connection = self.connections.first_mut().context("no connection")?;
        let mut times = Vec::with_capacity(requests);
        for _ in 0..requests {
            let begin = Instant::now();
            connection.write_all(&self.request)?;
            read_response(connection, &mut self.response)?;
            times.push(begin.elapsed().as_secs_f64() * 1e6);
        }
        Ok(times)
    }
}

/// Sends one request on a connection of its own and returns the answer's body.
pub(crate) fn ask(address: SocketAddr, request: &str) -> Result<String> {
    let mut stream = TcpStream::connect(address)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.write_all(request.as_bytes())?;
    Ok(read_response(&mut stream, &mut vec![0; 64 * 1024])?.to_owned())
}

/// Reads one answer with a `content-length`, as Envoy's direct responses and admin endpoints have it.
pub(crate) fn read_response<'a>(stream: &mut TcpStream, buffer: &'a mut [u8]) -> Result<&'a str> {
    let mut filled = 0;
    let body = loop {
        let free = buffer.get_mut(filled..).unwrap_or_default();
        let read = stream.read(free).context("no answer")?;
        ensure!(read > 0, "the connection ended, or the answer is too long");
        filled += read;
        let seen = buffer.get(..filled).unwrap_or_default();
        let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") else {
            continue;
        };
        let head = std::str::from_utf8(seen.get(..end).unwrap_or_default())?;
        if !head.starts_with("HTTP/1.1 200") {
            bail!("answered {head}");
        }
        let length: usize = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "))
            .context("an answer without content-length")?
            .parse()?;
        let body = end + 4..end + 4 + length;
        if filled >= body.end {
            break body;
        }
    };
    Ok(std::str::from_utf8(buffer.get(body).unwrap_or_default())?)
}

const CONNECTIONS: usize = 16;
const PATIENCE: Duration = Duration::from_secs(20);
