use meshlane_diagnostics::Reason;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::Proxy;

fn limit(capacity: u32, on_overflow: &str) -> Proxy {
    Proxy::new(&format!(
        r#"{{"limits": [{{"name": "users", "key": ["header.x-user"], "capacity": {capacity}, "onOverflow": "{on_overflow}",
            "tokenBucket": {{"requests": 1, "per": 60, "burst": 3}}}}]}}"#
    ))
}

/// Whoever invents keys takes nothing from those that are counted, and no memory.
#[test]
fn invented_keys_touch_no_limit_of_others() {
    const INVENTED: usize = if cfg!(debug_assertions) {
        100_000
    } else {
        1_000_000
    };
    let proxy = limit(1_024, "share");
    let alice = [("x-user", "alice")];
    assert_eq!(proxy.passing(3, &alice), 3);
    let empty = proxy.data.size();
    let mut largest = 0;
    for number in 0..INVENTED {
        proxy.ask(&[("x-user", &format!("invented-{number}"))]);
        if number == INVENTED / 2 {
            largest = proxy.data.size();
        }
    }
    // Room for 1,024 keys and for one more in each bucket, and not a byte more.
    assert!(
        proxy.data.size() - empty <= (1_024 + 128) * 36,
        "{}",
        proxy.data.size()
    );
    assert!(proxy.data.size() <= largest + 128 * 36);
    assert_eq!(reasons(&proxy, "alice"), Reason::LimitOver);
}

fn reasons(proxy: &Proxy, user: &str) -> Reason {
    proxy.ask(&[("x-user", user)]).limits[0].reason
}

#[test]
fn a_key_without_room_is_treated_as_it_says() {
    for (on_overflow, expected) in [
        ("share", Reason::LimitOver),
        ("allow", Reason::LimitOverflowAllowed),
        ("refuse", Reason::LimitOverflowRefused),
    ] {
        let mut proxy = limit(64, on_overflow);
        for number in 0..2_000 {
            proxy.ask(&[("x-user", &format!("invented-{number}"))]);
        }
        assert_eq!(reasons(&proxy, "late"), expected, "{on_overflow}");
        // Who has used nothing lately takes no room.
        proxy.pass(60_000 * 60);
        assert_eq!(
            reasons(&proxy, "late"),
            Reason::LimitAllowed,
            "{on_overflow}"
        );
    }
}

#[test]
fn keys_that_share_are_told() {
    let proxy = limit(64, "share");
    let shared = (0..500).filter(|number| {
        let decision = proxy.ask(&[("x-user", &format!("invented-{number}"))]);
        decision.limits[0].shares
    });
    // Some buckets fill up earlier than others.
    let shared = shared.count();
    assert!((436..500).contains(&shared), "{shared}");
}
