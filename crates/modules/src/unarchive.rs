//! Unpacks an archive, knowing its kind by its content. Decodes everything itself: the target needs neither tar nor unzip.
//!
//! # Contract with the controller's action
//!
//! With `remote_src=no` (`copy=yes`) the action gives `_upload: true` and attaches the archive as `"src"`; `src` stays the path on the controller
//! and is returned. `creates` is looked at first, and then nothing is received. `remote_src=yes` (also a URL in `src`) needs nothing of the action.
