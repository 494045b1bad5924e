//! Bytes that a host hands over as header pairs: an error, or a snapshot that says the same when it is built anew.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshlane_attributes::Headers;

fuzz_target!(|bytes: &[u8]| {
    let Ok(mut headers) = Headers::from_pairs(bytes.to_vec()) else {
        return;
    };
    let again: Headers = headers.iter().collect();
    assert!(headers.iter().eq(again.iter()));
    for (name, value) in headers.iter() {
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        let first = headers.first(name).expect("a header that was listed");
        let joined = headers.joined(name).expect("a header that was listed");
        assert!(joined.starts_with(first));
        assert!(joined.len() >= value.len());
        assert!(headers.lines(name).any(|line| line == value));
    }
    headers.take_reserved();
    assert!(headers.take_reserved().is_empty());
    assert!(!headers.any_with_prefix("x-meshlane-"));
});
