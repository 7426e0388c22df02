//! The protobuf codec, with smaller buffers for unary calls.
//!
//! A unary call has one small message each way. Allocating the default buffer of 8 KiB would cost more than encoding the message.
//! Streams send many messages at once, and keep the default.
//!
//! prost writes numbers byte by byte, and a growing buffer checks each for room: a small message is written into an array first, and
//! copied as a whole. For the same reason it is read out of the slice that holds it.

use crate::{peer_v1, v1};
use prost::Message;
use prost::bytes::{Buf, BufMut};
use std::any::TypeId;
use tonic::Status;
use tonic::codec::{BufferSettings, Codec, DecodeBuf, Decoder, EncodeBuf, Encoder};
use tonic_prost::{ProstCodec, ProstDecoder, ProstEncoder};

/// The initial size of the buffer of a unary call, in bytes: larger than nearly every message, and cheap to allocate.
const UNARY_BUFFER_BYTES: usize = 1_000;
/// How many bytes of encoded messages are sent at once. The default of tonic.
const YIELD_THRESHOLD_BYTES: usize = 32 << 10;
/// Nearly every message of leases is smaller.
const SMALL_BYTES: usize = 512;

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
    type Encoder = LeaseEncoder<T>;
    type Decoder = LeaseDecoder<U>;

    fn encoder(&mut self) -> Self::Encoder {
        LeaseEncoder(ProstEncoder::new(buffers::<T>()))
    }

    fn decoder(&mut self) -> Self::Decoder {
        LeaseDecoder(ProstDecoder::new(buffers::<U>()))
    }
}

/// Encodes messages of type `T`.
#[derive(Debug)]
pub struct LeaseEncoder<T>(ProstEncoder<T>);

impl<T: Message> Encoder for LeaseEncoder<T> {
    type Item = T;
    type Error = Status;

    fn encode(&mut self, message: T, buffer: &mut EncodeBuf<'_>) -> Result<(), Status> {
        let mut small = [0; SMALL_BYTES];
        let mut rest = &mut small[..];
        if message.encode(&mut rest).is_err() {
            return self.0.encode(message, buffer);
        }
        let written = SMALL_BYTES - rest.len();
        buffer.put_slice(&small[..written]);
        Ok(())
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}

/// Decodes messages of type `U`.
#[derive(Debug)]
pub struct LeaseDecoder<U>(ProstDecoder<U>);

impl<U: Message + Default> Decoder for LeaseDecoder<U> {
    type Item = U;
    type Error = Status;

    fn decode(&mut self, buffer: &mut DecodeBuf<'_>) -> Result<Option<U>, Status> {
        let length = buffer.remaining();
        // A large message may have fields that are taken out of the buffer without copying them.
        let Some(small) = buffer.chunk().get(..length).filter(|_| length <= SMALL_BYTES) else {
            return self.0.decode(buffer);
        };
        let message = U::decode(small).map_err(|error| Status::internal(error.to_string()))?;
        buffer.advance(length);
        Ok(Some(message))
    }

    fn buffer_settings(&self) -> BufferSettings {
        self.0.buffer_settings()
    }
}
