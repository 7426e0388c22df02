//! How messages get on the wire: as protobuf, in buffers of the size of a lease. Those of 8 KiB, the default of the library, cost
//! more to allocate than a small message costs to encode.

use prost::Message;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// What a buffer holds before it grows, in bytes: more than nearly all messages, and few enough to be handed out fast.
const BUFFER: usize = 1_000;
/// How many bytes of messages that are ready are sent together, as the library has it.
const TOGETHER: usize = 32 << 10;

/// Encodes `T` and decodes `U`.
#[derive(Debug)]
pub struct LeaseCodec<T, U>(ProstCodec<T, U>);

impl<T, U> Default for LeaseCodec<T, U> {
    fn default() -> Self {
        Self(ProstCodec::new())
    }
}

impl<T, U> Codec for LeaseCodec<T, U>
where
    T: Message + Send + 'static,
    U: Message + Default + Send + 'static,
{
    type Encode = T;
    type Decode = U;
    type Encoder = ProstEncoder<T>;
    type Decoder = ProstDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        ProstEncoder::new(BufferSettings::new(BUFFER, TOGETHER))
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(BufferSettings::new(BUFFER, TOGETHER))
    }
}
