//! Sends a file of the target to the controller: the target's half of the action `fetch`.
//!
//! # Contract with the controller's action
//!
//! - `_checksum`: SHA-1 in hex of the local file that would be replaced, if there is one. When the target's file has the
//!   same, nothing is sent.
//! - When it differs the content is sent with `Port::send_file` under the name `"src"`, before the result.
//! - Results: `changed` (true when the content was sent), `checksum` (SHA-1), `md5sum` (null where MD5 is not permitted), `src` (the path as expanded on the
//!   target), `size`. What the user is shown (`dest`, `remote_checksum`, …) is the action's work, and so is `fail_on_missing`
//!   in as much as a missing file is not a failure then: the result has `changed=false`, `failed=false`, and `msg`.
