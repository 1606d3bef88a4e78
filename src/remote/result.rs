//! Results as they come from a host: looked at before they are taken apart, as a short text can become a hundred times as large.

use rplay_module_api::message::Response;

/// Values in a result. Each may be one byte of text and take a hundred bytes of memory.
const MOST_VALUES: usize = 4_000_000;

/// Reads the body of a `Response` frame.
pub fn read(module: &str, body: &[u8]) -> Result<Response, String> {
    if holds_more_than(body, MOST_VALUES) {
        return Err(format!(
            "the result of the module {module} holds more than {MOST_VALUES} values, which is more than a task may return"
        ));
    }
    serde_json::from_slice(body).map_err(|err| format!("the agent's answer cannot be read: {err}"))
}

/// Whether a JSON text holds more values than this; counted by what separates them.
fn holds_more_than(json: &[u8], most: usize) -> bool {
    let mut count = 0;
    let mut rest = json;
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b',' | b':' | b'[' | b'{')) {
        let (found, after) = (rest.get(at), rest.get(at + 1..).unwrap_or_default());
        rest = after;
        if found == Some(&b'"') {
            rest = after_text(after);
            continue;
        }
        count += 1;
        if count > most {
            return true;
        }
    }
    false
}

/// What follows a text whose opening quote is behind.
fn after_text(mut rest: &[u8]) -> &[u8] {
    while let Some(at) = rest.iter().position(|byte| matches!(byte, b'"' | b'\\')) {
        let quote = rest.get(at) == Some(&b'"');
        rest = rest.get(at + if quote { 1 } else { 2 }..).unwrap_or_default();
        if quote {
            return rest;
        }
    }
    &[]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_counted_outside_of_texts() {
        let json = br#"{"a": [1, 2, {"b": null}], "c,,,,\\": "[[[[\",,,,"}"#;
        assert!(holds_more_than(json, 8) && !holds_more_than(json, 9));
        assert!(!holds_more_than(b"\"[[[[[", 0));
        let bomb = [b"[".as_slice(), b"0,".repeat(5_000_000).as_slice()].concat();
        assert!(holds_more_than(&bomb, 4_000_000));
    }
}
