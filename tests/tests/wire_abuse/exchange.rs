//! Messages of Exchange.

use std::collections::BTreeMap;

use apportion_proto::v1;
use apportion_proto::v1::exchange_request::Request as Wanted;
use apportion_proto::v1::exchange_response::Response;
use apportion_tests::process::wire::seconds;
use tokio::sync::mpsc;
use tokio_stream::wrappers::ReceiverStream;

use crate::world::{World, acquire, settle};

#[tokio::test]
async fn a_stream_answers_every_invalid_message_and_stays_open() {
    let mut world = World::new();
    let request = |id, request| v1::ExchangeRequest { id, request };
    let patient = v1::AcquireLeaseRequest { max_wait: Some(seconds(12)), ..acquire() };
    let wrong = v1::AcquireLeaseRequest { permits: Some(0), ..acquire() };
    let nowhere = v1::AcquireLeaseRequest { workspace: "nowhere".into(), ..acquire() };
    let sent = vec![
        request(0, Some(Wanted::Acquire(acquire().into()))),
        request(1, None),
        request(2, Some(Wanted::Acquire(wrong.into()))),
        request(3, Some(Wanted::Settle(settle("").into()))),
        request(4, Some(Wanted::Settle(settle("x").into()))),
        request(5, Some(Wanted::Acquire(nowhere.into()))),
        request(6, Some(Wanted::Cancel(v1::Cancel {}))),
        request(u64::MAX, Some(Wanted::Acquire(patient.into()))),
    ];
    let (sender, receiver) = mpsc::channel(16);
    for message in sent {
        sender.send(message).await.expect("the channel has room");
    }
    let requests = ReceiverStream::new(receiver);
    let mut answers = world.client.exchange(requests).await.expect("a stream").into_inner();
    let mut reasons = BTreeMap::new();
    while reasons.len() < 7 {
        let answer = answers.message().await.expect("no error").expect("not the end");
        let (reason, field) = match answer.response.expect("a response") {
            Response::Refusal(refusal) => (refusal.reason(), refusal.field),
            Response::Granted(lease) => {
                assert_ne!(lease.lease_id, "");
                (v1::Reason::Unspecified, String::new())
            }
            other => panic!("{other:?}"),
        };
        assert_eq!(reasons.insert(answer.id, (reason, field)), None, "answered twice");
    }
    let answer = |id: u64| (reasons[&id].0, reasons[&id].1.as_str());
    use v1::Reason::{Malformed, NotYourLease, UnknownWorkspace, Unspecified};
    assert_eq!(answer(0), (Malformed, "id"));
    assert_eq!(answer(1), (Malformed, "request"));
    assert_eq!(answer(2), (Malformed, "acquire.permits"));
    assert_eq!(answer(3), (Malformed, "settle.lease_id"));
    assert_eq!(answer(4), (NotYourLease, ""));
    assert_eq!(answer(5), (UnknownWorkspace, ""));
    assert_eq!(answer(u64::MAX), (Unspecified, ""));
    drop(sender);
    assert!(answers.message().await.expect("no error").is_none(), "the stream ends with its requests");
    world.serves_as_before().await;
}
