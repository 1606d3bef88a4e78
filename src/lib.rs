//! rplay.
