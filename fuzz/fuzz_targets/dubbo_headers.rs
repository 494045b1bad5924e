//! What a request says of a bridged Dubbo call: names, values and paths that anybody may have written have one meaning,
//! and what is written for a call comes back as it was. The input is three lines.
#![no_main]

use libfuzzer_sys::fuzz_target;
use meshlane_attributes::Value;
use meshlane_attributes::dubbo::{
    attachment_header, attribute_of, carrier_names, decode_path, decode_value, encode_carriers,
    encode_path, encode_text, encode_value, header_name, is_dubbo_header,
};

fuzz_target!(|input: &[u8]| {
    let mut lines = input.splitn(3, |byte| *byte == b'\n');
    let [first, second, third] = [(); 3].map(|()| lines.next().unwrap_or_default());

    if let Some(attribute) = attribute_of(first) {
        let name = header_name(&attribute).expect("an attribute of a header");
        assert_eq!(name.as_bytes(), first);
        assert!(is_dubbo_header(first));
    }
    let decoded = decode_value(second);
    if let Some(encoded) = encode_value(&decoded) {
        assert!(!encoded.bytes().any(|byte| byte.is_ascii_control()));
        // Empty elements are the one thing that is not written.
        match (&decoded, decode_value(encoded.as_bytes())) {
            (Value::List(_), Value::List(again)) => {
                assert!(again.iter().all(|value| *value != "".into()))
            }
            (_, again) => assert_eq!(again, decoded),
        }
    }
    let (interface, method) = decode_path(third);
    let call = encode_path(
        interface.as_deref().unwrap_or_default(),
        method.as_deref().unwrap_or_default(),
    );
    if let Some(call) = call {
        assert!(call.path.starts_with('/') && call.path.is_ascii());
        let again = decode_path(call.path.as_bytes());
        assert!(call.interface.is_some() || again.0 == interface);
        assert!(call.method.is_some() || again.1 == method);
    }
    if let Ok(text) = std::str::from_utf8(third) {
        if let Some(header) = attachment_header(text) {
            assert!(
                header
                    .bytes()
                    .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'.' | b'-' | b'_'))
            );
            let attribute = attribute_of(header.as_bytes()).expect("an attachment's own header");
            assert_eq!(attribute.to_string(), format!("dubbo.attachment.{text}"));
        }
        if let Some(value) = encode_text(text) {
            assert_eq!(decode_value(value.as_bytes()), text.into());
        }
    }
    let names: Vec<_> = carrier_names(second)
        .map(|name| name.into_owned())
        .collect();
    if let Some(list) = encode_carriers(names.iter().map(String::as_str)) {
        assert!(
            carrier_names(list.as_bytes()).all(|name| names.iter().any(|known| *known == name))
        );
    }
});
