//! Baggage and cookies that a client sent: setting a member gives it back, and leaves the others alone.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshlane_attributes::{baggage_member, cookie_value, with_baggage_member, with_cookie};

fuzz_target!(|header: &[u8]| {
    for (key, value) in [("tag", "gray"), ("tag", "a|b%c=d"), ("k", "x")] {
        let set = with_baggage_member(header, key, Some(value)).expect("a header with a member");
        assert_eq!(baggage_member(&set, key).as_deref(), Some(value));
        for other in ["a", "userId", "tag2"] {
            assert_eq!(baggage_member(&set, other), baggage_member(header, other));
        }
        let removed = with_baggage_member(&set, key, None).unwrap_or_default();
        assert_eq!(baggage_member(&removed, key), None);

        let set = with_cookie(header, key, Some(value)).expect("a header with a cookie");
        assert_eq!(cookie_value(&set, key), Some(value.as_bytes()));
        for other in ["a", "userId", "tag2"] {
            assert_eq!(cookie_value(&set, other), cookie_value(header, other));
        }
        let removed = with_cookie(&set, key, None).unwrap_or_default();
        assert_eq!(cookie_value(&removed, key), None);
    }
});
