//! How messages get on the wire: as protobuf. A call has one small message each way, and the buffers of 8 KiB that the library
//! takes for it cost more to allocate than the message costs to encode. Streams send many messages together, and keep those.

use crate::v1;
use prost::Message;
use std::any::TypeId;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// What the buffer of a call holds before it grows, in bytes: more than nearly all messages, and few enough to be handed out fast.
const CALL: usize = 1_000;
/// How many bytes of messages that are ready are sent together, as the library has it.
const TOGETHER: usize = 32 << 10;

/// The buffers for messages of that kind.
fn buffers<T: 'static>() -> BufferSettings {
    let streamed = [
        TypeId::of::<v1::ExchangeRequest>(),
        TypeId::of::<v1::ExchangeResponse>(),
        TypeId::of::<v1::WatchWorkspaceResponse>(),
        TypeId::of::<v1::BackupStoreResponse>(),
    ];
    if streamed.contains(&TypeId::of::<T>()) {
        return BufferSettings::default();
    }
    BufferSettings::new(CALL, TOGETHER)
}

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
        ProstEncoder::new(buffers::<T>())
    }

    fn decoder(&mut self) -> Self::Decoder {
        ProstDecoder::new(buffers::<U>())
    }
}
