//! The socket as libssh2 sees it. A server that never stops sending would keep libssh2 busy within one call, so what a call may
//! receive is rationed; and which calls the kernel has answered with "later" decides what is waited for.

use std::cell::Cell;
use std::ffi::{c_int, c_void};
use std::io;

use ssh2::Session;

/// What happened on the socket during a call.
#[derive(Clone, Copy, Debug, Default)]
pub struct Seen {
    pub received: usize,
    pub sent: usize,
    /// The ration was used up: there may be more.
    pub rationed: bool,
    /// The kernel has no more to give.
    pub drained: bool,
    /// A packet of ours is half sent; libssh2 takes nothing else before the rest is.
    pub half_sent: bool,
}

#[derive(Clone, Copy)]
struct Turn {
    left: usize,
    seen: Seen,
}

const UNLIMITED: Turn =
    Turn { left: usize::MAX, seen: Seen { received: 0, sent: 0, rationed: false, drained: false, half_sent: false } };

thread_local! {
    /// libssh2 calls back on the thread that called it.
    static TURN: Cell<Turn> = const { Cell::new(UNLIMITED) };
}

/// Calls libssh2, which may receive so many bytes.
pub fn rationed<T>(bytes: usize, call: impl FnOnce() -> T) -> (T, Seen) {
    let before = TURN.replace(Turn { left: bytes, ..UNLIMITED });
    let value = call();
    (value, TURN.replace(before).seen)
}

const CALLBACK_SEND: c_int = 5;
const CALLBACK_RECV: c_int = 6;

type Receive = unsafe extern "C" fn(c_int, *mut c_void, usize, c_int, *mut *mut c_void) -> isize;
type Send = unsafe extern "C" fn(c_int, *const c_void, usize, c_int, *mut *mut c_void) -> isize;

unsafe extern "C" {
    // Part of libssh2's interface that the crate `ssh2` has no words for.
    fn libssh2_session_callback_set2(session: *mut c_void, kind: c_int, callback: *mut c_void) -> *mut c_void;
}

/// Puts the functions below in the place of recv and send.
pub fn install(session: &Session) {
    let mut raw = session.raw();
    let raw: *mut c_void = std::ptr::from_mut(&mut *raw).cast();
    // SAFETY: the session lives, and the functions have the types that libssh2 calls for these two kinds.
    unsafe {
        libssh2_session_callback_set2(raw, CALLBACK_RECV, receive as Receive as *mut c_void);
        libssh2_session_callback_set2(raw, CALLBACK_SEND, send as Send as *mut c_void);
    }
}

/// As libssh2 wants it: a negative error number in place of -1.
fn negative_error() -> isize {
    let code = io::Error::last_os_error().raw_os_error().unwrap_or(libc::EIO);
    let code = if code == libc::EWOULDBLOCK || code == libc::EINTR { libc::EAGAIN } else { code };
    -isize::try_from(code).unwrap_or(1)
}

unsafe extern "C" fn receive(
    socket: c_int,
    buffer: *mut c_void,
    length: usize,
    flags: c_int,
    _: *mut *mut c_void,
) -> isize {
    let mut turn = TURN.get();
    let again = -isize::try_from(libc::EAGAIN).unwrap_or(1);
    if turn.left == 0 {
        turn.seen.rationed = true;
        TURN.set(turn);
        return again;
    }
    // SAFETY: libssh2 gives a buffer of this length.
    let count = unsafe { libc::recv(socket, buffer, length.min(turn.left), flags) };
    if let Ok(count) = usize::try_from(count) {
        turn.left -= count.min(turn.left);
        turn.seen.received += count;
        TURN.set(turn);
        return isize::try_from(count).unwrap_or(0);
    }
    let error = negative_error();
    turn.seen.drained = error == again;
    TURN.set(turn);
    error
}

unsafe extern "C" fn send(
    socket: c_int,
    buffer: *const c_void,
    length: usize,
    flags: c_int,
    _: *mut *mut c_void,
) -> isize {
    let mut turn = TURN.get();
    // SAFETY: libssh2 gives a buffer of this length.
    let count = unsafe { libc::send(socket, buffer, length, flags) };
    let sent = if count < 0 { negative_error() } else { count };
    turn.seen.sent += usize::try_from(sent).unwrap_or(0);
    turn.seen.half_sent =
        usize::try_from(sent).map_or(sent == -isize::try_from(libc::EAGAIN).unwrap_or(1), |sent| sent < length);
    TURN.set(turn);
    sent
}
