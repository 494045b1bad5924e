//! HTTP/1.1 by hand: a library would refuse to send some of the bytes that the scenarios are about.

use anyhow::{Context, Result, bail, ensure};
use bytes::{Buf, Bytes, BytesMut};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::{Request, Response, Stream};

/// One connection.
#[derive(Debug)]
pub(super) struct Http1 {
    stream: Stream,
    buffer: BytesMut,
}

impl Http1 {
    pub(super) fn new(stream: Stream) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
        }
    }

    pub(super) async fn send(&mut self, request: &Request) -> Result<Response> {
        let bytes = encode(request);
        // An Envoy that refuses a large request answers before it has read all of it.
        let (mut reader, mut writer) = tokio::io::split(&mut self.stream);
        let write = async {
            let written = writer.write_all(&bytes).await;
            written.and(writer.flush().await)
        };
        let read = read_response(&mut reader, &mut self.buffer, request.method == "HEAD");
        tokio::pin!(read);
        tokio::select! {
            response = &mut read => response,
            written = write => match read.await {
                Ok(response) => Ok(response),
                Err(error) => Err(written.err().map_or(error, Into::into)),
            },
        }
    }
}

/// Writes and reads at once until the other side closes.
pub(super) async fn exchange_until_closed(
    stream: impl AsyncRead + AsyncWrite,
    bytes: &[u8],
) -> Result<Bytes> {
    let (mut reader, mut writer) = tokio::io::split(stream);
    let mut answer = Vec::new();
    let (_, read) = tokio::join!(writer.write_all(bytes), reader.read_to_end(&mut answer));
    // A reset after the answer is how an HTTP/1.1 server gets rid of bytes that it does not want to read.
    match read {
        Err(error) if answer.is_empty() => Err(error.into()),
        _ => Ok(answer.into()),
    }
}

fn encode(request: &Request) -> Vec<u8> {
    let mut bytes = Vec::new();
    bytes.extend_from_slice(request.method.as_bytes());
    bytes.push(b' ');
    bytes.extend_from_slice(&request.path);
    bytes.extend_from_slice(b" HTTP/1.1\r\n");
    let mut header = |name: &str, value: &[u8]| {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    };
    header("host", request.authority.as_bytes());
    for (name, value) in &request.headers {
        header(name, value);
    }
    if !request.body.is_empty() {
        header("content-length", request.body.len().to_string().as_bytes());
    }
    bytes.extend_from_slice(b"\r\n");
    bytes.extend_from_slice(&request.body);
    bytes
}

async fn read_response(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    without_body: bool,
) -> Result<Response> {
    let (status, headers) = loop {
        let (status, headers) = read_head(reader, buffer).await?;
        // Informational responses precede the real one.
        if status >= 200 {
            break (status, headers);
        }
    };
    let value = |name: &str| {
        let header = headers.iter().find(|(candidate, _)| candidate == name);
        header.map(|(_, value)| String::from_utf8_lossy(value).to_ascii_lowercase())
    };
    let body = if without_body || status == 204 || status == 304 {
        Bytes::new()
    } else if value("transfer-encoding").is_some_and(|coding| coding.contains("chunked")) {
        read_chunks(reader, buffer).await?
    } else if let Some(length) = value("content-length") {
        read_exact(reader, buffer, length.parse()?).await?
    } else {
        while reader.read_buf(buffer).await? > 0 {}
        buffer.split().freeze()
    };
    Ok(Response {
        status,
        headers,
        trailers: Vec::new(),
        body,
    })
}

type Headers = Vec<(String, Bytes)>;

async fn read_head(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<(u16, Headers)> {
    let first = read_line(reader, buffer).await?;
    let first = String::from_utf8_lossy(&first).into_owned();
    let status = first
        .strip_prefix("HTTP/1.1 ")
        .and_then(|rest| rest.get(..3));
    let status = status
        .with_context(|| format!("not a status line: {first}"))?
        .parse()?;
    let mut headers = Vec::new();
    loop {
        let line = read_line(reader, buffer).await?;
        if line.is_empty() {
            return Ok((status, headers));
        }
        let colon = line
            .iter()
            .position(|byte| *byte == b':')
            .context("a header without a colon")?;
        let name =
            String::from_utf8_lossy(line.get(..colon).unwrap_or_default()).to_ascii_lowercase();
        let value = line.slice_ref(line.get(colon + 1..).unwrap_or_default().trim_ascii());
        headers.push((name, value));
    }
}

async fn read_chunks(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
) -> Result<Bytes> {
    let mut body = BytesMut::new();
    loop {
        let line = read_line(reader, buffer).await?;
        let length = usize::from_str_radix(str::from_utf8(&line)?.trim(), 16)?;
        body.extend_from_slice(&read_exact(reader, buffer, length).await?);
        if length == 0 {
            // Trailers, which nothing here looks at, and the empty line.
            while !read_line(reader, buffer).await?.is_empty() {}
            return Ok(body.freeze());
        }
        ensure!(
            read_line(reader, buffer).await?.is_empty(),
            "a chunk is longer than it says"
        );
    }
}

async fn read_exact(
    reader: &mut (impl AsyncRead + Unpin),
    buffer: &mut BytesMut,
    length: usize,
) -> Result<Bytes> {
    while buffer.len() < length {
        more(reader, buffer).await?;
    }
    Ok(buffer.split_to(length).freeze())
}

async fn read_line(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<Bytes> {
    let mut searched = 0;
    loop {
        let rest = buffer.get(searched..).unwrap_or_default();
        if let Some(end) = rest.windows(2).position(|pair| pair == b"\r\n") {
            let line = buffer.split_to(searched + end).freeze();
            buffer.advance(2);
            return Ok(line);
        }
        searched = buffer.len().saturating_sub(1);
        more(reader, buffer).await?;
    }
}

async fn more(reader: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> Result<()> {
    if reader.read_buf(buffer).await? == 0 {
        bail!(
            "the connection ended after {:?}",
            String::from_utf8_lossy(buffer)
        );
    }
    Ok(())
}
