use std::io::Cursor;

use super::*;

fn read_all(bytes: Vec<u8>) -> io::Result<Vec<Frame>> {
    let mut from = Cursor::new(bytes);
    let mut frames = Vec::new();
    while let Some(frame) = read(&mut from)? {
        frames.push(frame);
    }
    Ok(frames)
}

#[test]
fn short_message_is_one_frame() {
    let frames = read_all(encode(FrameKind::Request, 7, b"{}")).expect("valid");
    assert_eq!(frames, [Frame { kind: FrameKind::Request, more: false, id: 7, body: b"{}".to_vec() }]);
    assert_eq!(frames[0].to_bytes(), encode(FrameKind::Request, 7, b"{}"));
}

#[test]
fn long_messages_are_put_together_though_interleaved() {
    let long: Vec<u8> = (0..3 * MAX_BODY + 5).map(|number| number.to_le_bytes()[0]).collect();
    let first = read_all(encode(FrameKind::Response, 1, &long)).expect("valid");
    let second = read_all(encode(FrameKind::Response, 2, &long[1..])).expect("valid");
    assert_eq!(first.len(), 4);
    let mut assembler = Assembler::default();
    let mut whole = Vec::new();
    for (one, two) in first.into_iter().zip(second) {
        for frame in [one, two] {
            whole.extend(assembler.add(frame).expect("not too long"));
        }
    }
    assert!(whole == [long.clone(), long[1..].to_vec()]);
    assert!(assembler.begun.is_empty());
}

#[test]
fn written_message_equals_encoded_message() {
    for length in [0, 1, MAX_BODY, MAX_BODY + 1] {
        let body = vec![b'x'; length];
        let mut out = Vec::new();
        let mut send = |bytes: Vec<u8>| {
            out.extend(bytes);
            Ok(())
        };
        let mut writer = MessageWriter::new(FrameKind::Response, 3, &mut send);
        writer.write_all(&body).expect("no I/O");
        writer.finish().expect("no I/O");
        assert!(out == encode(FrameKind::Response, 3, &body), "{length}");
    }
}

#[test]
fn every_truncation_is_an_error_but_the_empty_one() {
    let whole = encode(FrameKind::Chunk, 9, b"content");
    for length in 1..whole.len() {
        let err = read_all(whole[..length].to_vec()).expect_err("truncated");
        assert_eq!(err.kind(), io::ErrorKind::UnexpectedEof, "{length}");
    }
    assert!(read_all(Vec::new()).expect("nothing").is_empty());
}

#[test]
fn hostile_headers_are_errors_without_allocation() {
    let mut header = encode(FrameKind::Chunk, 1, b"");
    header[..4].copy_from_slice(&u32::MAX.to_le_bytes());
    assert_eq!(Header::parse(header.clone().try_into().expect("12 bytes")), Err(FrameError::Length(u32::MAX)));
    assert_eq!(read_all(header).expect_err("too long").kind(), io::ErrorKind::InvalidData);
    for kind in (0..=u8::MAX).filter(|kind| FrameKind::from_number(*kind).is_none()) {
        let mut header = encode(FrameKind::Chunk, 1, b"");
        header[4] = kind;
        assert_eq!(Header::parse(header.try_into().expect("12 bytes")), Err(FrameError::Kind(kind)));
    }
    let mut header = encode(FrameKind::Chunk, 1, b"");
    header[6] = 1;
    assert!(Header::parse(header.try_into().expect("12 bytes")).is_err());
}

#[test]
fn noise_never_panics() {
    let mut state = 1_u32;
    for _ in 0..2000 {
        let noise: Vec<u8> = (0..40)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24).to_le_bytes()[0] & 0x1f
            })
            .collect();
        let _ = read_all(noise);
    }
}

#[test]
fn credit_of_a_malformed_frame_is_nothing() {
    let frames = read_all(credit(1, 70_000)).expect("valid");
    assert_eq!(frames[0].credit(), 70_000);
    let malformed = Frame { kind: FrameKind::Credit, more: false, id: 1, body: vec![1, 2, 3] };
    assert_eq!(malformed.credit(), 0);
}
