//! What an unquoted YAML word means.
//!
//! The programs that hand a document to the filter decide that: `kubectl` and istiod
//! (sigs.k8s.io/yaml) and Envoy (yaml-cpp) read `on`, `yes` and `y` as booleans, as YAML
//! 1.1 did, and `010` as eight. This module reads as they do, and says so when a reader
//! of YAML 1.2 would have expected something else.

use serde_json::Number;

use super::node::Value;

/// The meaning of a word, and what is odd about it.
pub(super) struct Resolved {
    pub(super) value: Value,
    pub(super) oddity: Option<Oddity>,
}

/// A word that people and programs read differently.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Oddity {
    /// `on`, `yes`, `n` …
    Boolean(bool),
    /// `010`, `1_000`, `0x1F` …
    Number,
    /// `.inf`, `.nan`
    NotJson,
}

/// Reads an unquoted word.
pub(super) fn resolve(word: &str) -> Option<Resolved> {
    let plain = |value| {
        Some(Resolved {
            value,
            oddity: None,
        })
    };
    match word {
        "" | "~" | "null" | "Null" | "NULL" => return plain(Value::Null),
        "true" | "True" | "TRUE" => return plain(Value::Bool(true)),
        "false" | "False" | "FALSE" => return plain(Value::Bool(false)),
        "y" | "Y" | "yes" | "Yes" | "YES" | "on" | "On" | "ON" => return old_boolean(true),
        "n" | "N" | "no" | "No" | "NO" | "off" | "Off" | "OFF" => return old_boolean(false),
        ".inf" | ".Inf" | ".INF" | "+.inf" | "+.Inf" | "+.INF" | "-.inf" | "-.Inf" | "-.INF"
        | ".nan" | ".NaN" | ".NAN" => {
            return Some(Resolved {
                value: Value::Null,
                oddity: Some(Oddity::NotJson),
            });
        }
        _ => {}
    }
    number(word)
}

fn old_boolean(value: bool) -> Option<Resolved> {
    Some(Resolved {
        value: Value::Bool(value),
        oddity: Some(Oddity::Boolean(value)),
    })
}

fn number(word: &str) -> Option<Resolved> {
    let first = word.bytes().next()?;
    if !(first.is_ascii_digit() || matches!(first, b'+' | b'-' | b'.')) {
        return None;
    }
    let without_underscores = word.replace('_', "");
    let (negative, digits) = match without_underscores.as_bytes() {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        all => (false, all),
    };
    let digits = std::str::from_utf8(digits).ok()?;
    if let Some(number) = other_base(digits, negative) {
        return Some(Resolved {
            value: Value::Number(number),
            oddity: Some(Oddity::Number),
        });
    }
    if !is_decimal(digits) {
        return None;
    }
    let sign = if negative { "-" } else { "" };
    let text = format!("{sign}{digits}");
    let number = text
        .parse::<i64>()
        .map(Number::from)
        .or_else(|_| text.parse::<u64>().map(Number::from))
        .ok()
        .or_else(|| Number::from_f64(text.parse().ok()?))?;
    let odd = word.contains('_') || word.starts_with('+');
    Some(Resolved {
        value: Value::Number(number),
        oddity: odd.then_some(Oddity::Number),
    })
}

/// `0x1F`, `0o17`, `0b101`, and `017`, which is octal as well.
fn other_base(digits: &str, negative: bool) -> Option<Number> {
    let (rest, radix) = match digits.as_bytes() {
        [b'0', b'x' | b'X', ..] => (digits.get(2..)?, 16),
        [b'0', b'o' | b'O', ..] => (digits.get(2..)?, 8),
        [b'0', b'b' | b'B', ..] => (digits.get(2..)?, 2),
        [b'0', _, ..] => (digits.get(1..)?, 8),
        _ => return None,
    };
    if rest.starts_with(['+', '-']) {
        return None;
    }
    let value = i64::from_str_radix(rest, radix).ok()?;
    Some(Number::from(if negative { -value } else { value }))
}

/// The decimal numbers of YAML: `12`, `1.5`, `.5`, `1e3`.
fn is_decimal(text: &str) -> bool {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, Some(exponent)),
        None => (text, None),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    let exponent_fits = exponent.is_none_or(|exponent| {
        let exponent = exponent.strip_prefix(['+', '-']).unwrap_or(exponent);
        !exponent.is_empty() && digits(exponent)
    });
    !(whole.is_empty() && fraction.is_empty()) && digits(whole) && digits(fraction) && exponent_fits
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn read(word: &str) -> (serde_json::Value, bool) {
        match resolve(word) {
            None => (json!(word), false),
            Some(resolved) => {
                let value = match resolved.value {
                    Value::Null => json!(null),
                    Value::Bool(value) => json!(value),
                    Value::Number(number) => serde_json::Value::Number(number),
                    other => panic!("{other:?}"),
                };
                (value, resolved.oddity.is_some())
            }
        }
    }

    #[test]
    fn words_mean_what_kubectl_makes_of_them() {
        for (word, value, odd) in [
            ("on", json!(true), true),
            ("Yes", json!(true), true),
            ("n", json!(false), true),
            ("true", json!(true), false),
            ("gray", json!("gray"), false),
            ("~", json!(null), false),
            ("5", json!(5), false),
            ("-5", json!(-5), false),
            ("1.50", json!(1.5), false),
            ("1e3", json!(1000.0), false),
            (".5", json!(0.5), false),
            ("010", json!(8), true),
            ("089", json!(89), false),
            ("0x1F", json!(31), true),
            ("1_000", json!(1000), true),
            ("1.2.3", json!("1.2.3"), false),
            ("-", json!("-"), false),
            (".", json!("."), false),
            ("1e", json!("1e"), false),
            ("10.0.0.0/8", json!("10.0.0.0/8"), false),
            ("2020-01-01", json!("2020-01-01"), false),
            (
                "18446744073709551615",
                json!(18_446_744_073_709_551_615_u64),
                false,
            ),
        ] {
            assert_eq!(read(word), (value, odd), "{word}");
        }
    }

    #[test]
    fn infinity_is_no_json() {
        assert_eq!(resolve(".inf").unwrap().oddity, Some(Oddity::NotJson));
    }
}
