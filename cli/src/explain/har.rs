//! Requests from HAR files (HTTP Archive 1.2), as browsers and proxies record them.

use serde::Deserialize;

use super::InvalidRequest;
use super::request::Request;

#[derive(Deserialize)]
struct Har {
    log: Log,
}

#[derive(Deserialize)]
struct Log {
    entries: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    request: Recorded,
}

#[derive(Deserialize)]
struct Recorded {
    method: String,
    url: String,
    #[serde(default)]
    headers: Vec<NameValue>,
    #[serde(default)]
    cookies: Vec<NameValue>,
}

#[derive(Deserialize)]
struct NameValue {
    name: String,
    value: String,
}

/// The requests of a HAR file, in the order of the recording.
///
/// # Errors
/// Text that is no HAR, or a URL without host.
pub fn requests(text: &str) -> Result<Vec<Request>, InvalidRequest> {
    let har: Har = serde_json::from_str(text).map_err(InvalidRequest::Har)?;
    har.log
        .entries
        .iter()
        .map(|entry| request(&entry.request))
        .collect()
}

fn request(recorded: &Recorded) -> Result<Request, InvalidRequest> {
    let mut request = Request {
        method: recorded.method.clone(),
        ..Request::default()
    };
    request.set_url(&recorded.url)?;
    // HTTP/2 recordings contain the pseudo headers, which method and URL say already.
    for header in recorded
        .headers
        .iter()
        .filter(|header| !header.name.starts_with(':'))
    {
        request.push_header(&header.name, &header.value);
    }
    // Some recorders leave the cookies out of the headers.
    let has_cookie_header = request.headers.iter().any(|(name, _)| name == "cookie");
    if !has_cookie_header && !recorded.cookies.is_empty() {
        let cookies: Vec<String> = recorded
            .cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name, cookie.value))
            .collect();
        request.push_header("cookie", &cookies.join("; "));
    }
    Ok(request)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_a_browser_records() {
        let har = r#"{"log": {"version": "1.2", "creator": {"name": "x", "version": "1"}, "entries": [
            {"startedDateTime": "2026-01-01T00:00:00Z", "time": 1, "response": {}, "request": {
                "method": "POST", "url": "https://shop.example/cart?x=1", "httpVersion": "h2",
                "headers": [{"name": ":authority", "value": "shop.example"}, {"name": "X-User", "value": "alice"}],
                "cookies": [{"name": "uid", "value": "u7", "httpOnly": false}], "queryString": [], "headersSize": -1, "bodySize": 0}}]}}"#;
        let requests = requests(har).unwrap();
        let request = requests.first().unwrap();
        assert_eq!(request.title(), "POST https://shop.example/cart?x=1");
        let headers: Vec<_> = request
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {value}"))
            .collect();
        assert_eq!(headers, ["x-user: alice", "cookie: uid=u7"]);
    }

    #[test]
    fn other_json_is_refused() {
        assert!(requests("{}").is_err());
        assert!(requests("[").is_err());
    }
}
