//! The protobuf codec, with smaller buffers for unary calls.
//!
//! A unary call has one small message each way. Allocating the default buffer of 8 KiB would cost more than encoding the message.
//! Streams send many messages at once, and keep the default.

use crate::{peer_v1, v1};
use prost::Message;
use std::any::TypeId;
use tonic::codec::{BufferSettings, Codec};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// The initial size of the buffer of a unary call, in bytes: larger than nearly every message, and cheap to allocate.
const UNARY_BUFFER_BYTES: usize = 1_000;
/// How many bytes of encoded messages are sent at once. The default of tonic.
const YIELD_THRESHOLD_BYTES: usize = 32 << 10;

/// The buffers for messages of type `T`.
fn buffers<T: 'static>() -> BufferSettings {
    let streamed = [
        TypeId::of::<v1::ExchangeRequest>(),
        TypeId::of::<v1::ExchangeResponse>(),
        TypeId::of::<peer_v1::PassCallsRequest>(),
        TypeId::of::<peer_v1::PassCallsResponse>(),
        TypeId::of::<v1::WatchWorkspaceResponse>(),
        TypeId::of::<v1::BackupStoreResponse>(),
    ];
    if streamed.contains(&TypeId::of::<T>()) {
        return BufferSettings::default();
    }
    BufferSettings::new(UNARY_BUFFER_BYTES, YIELD_THRESHOLD_BYTES)
}

/// A codec that encodes `T` and decodes `U`.
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
