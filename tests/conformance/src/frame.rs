//! Frames: a message preceded by its length in bytes, as four bytes, big-endian.

use std::io::{self, ErrorKind, Read, Write};

use prost::Message;

/// The most bytes of a message.
pub const MESSAGE_MAX: usize = 4 << 20;

/// Reads one message; none at the end of the input.
///
/// # Errors
/// If the input ends inside a frame or fails, or if the message is too long or malformed.
pub fn read<M: Message + Default>(from: &mut impl Read) -> io::Result<Option<M>> {
    let mut length = [0; 4];
    match from.read(&mut length[..1])? {
        0 => return Ok(None),
        _ => from.read_exact(&mut length[1..])?,
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MESSAGE_MAX {
        let why = format!("a frame of {length} bytes: at most {MESSAGE_MAX}; was text written to it?");
        return Err(io::Error::new(ErrorKind::InvalidData, why));
    }
    let mut bytes = vec![0; length];
    from.read_exact(&mut bytes)?;
    let message = M::decode(bytes.as_slice());
    message.map(Some).map_err(|why| io::Error::new(ErrorKind::InvalidData, why))
}

/// Writes one message.
///
/// # Errors
/// If the output fails, or if the message is too long.
pub fn write(to: &mut impl Write, message: &impl Message) -> io::Result<()> {
    let bytes = message.encode_to_vec();
    let length = u32::try_from(bytes.len()).ok().filter(|_| bytes.len() <= MESSAGE_MAX);
    let length = length.ok_or_else(|| io::Error::new(ErrorKind::InvalidInput, "the message is too long"))?;
    let frame = [&length.to_be_bytes(), bytes.as_slice()].concat();
    to.write_all(&frame)?;
    to.flush()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1::{DriverRequest, Hello, driver_request::Operation};

    fn hello() -> DriverRequest {
        let operation = Some(Operation::Hello(Hello { version: 1 }));
        DriverRequest { id: 7, operation, ..DriverRequest::default() }
    }

    #[test]
    fn what_is_written_is_read_until_the_end() {
        let mut bytes = Vec::new();
        write(&mut bytes, &hello()).unwrap();
        write(&mut bytes, &hello()).unwrap();
        assert_eq!(bytes[..4], [0, 0, 0, 6]);
        let mut input = bytes.as_slice();
        assert_eq!(read(&mut input).unwrap(), Some(hello()));
        assert_eq!(read(&mut input).unwrap(), Some(hello()));
        assert_eq!(read::<DriverRequest>(&mut input).unwrap(), None);
    }

    #[test]
    fn a_cut_frame_and_text_are_errors() {
        let mut bytes = Vec::new();
        write(&mut bytes, &hello()).unwrap();
        let cut = read::<DriverRequest>(&mut &bytes[..bytes.len() - 1]);
        assert_eq!(cut.unwrap_err().kind(), ErrorKind::UnexpectedEof);
        let text = read::<DriverRequest>(&mut b"warning: deprecated".as_slice());
        assert_eq!(text.unwrap_err().kind(), ErrorKind::InvalidData);
    }
}
