//! The owner of a workspace, as metadata of responses: clients that want to may call it directly.

use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Response, Status};

/// The name of the metadata. Its value is `node;epoch;address`.
const NAME: &str = "apportion-owner";

/// A response that names the owner, where there is one to name.
pub(super) fn response<T>(message: T, owner: impl FnOnce() -> Option<String>) -> Response<T> {
    let mut response = Response::new(message);
    if let Some(value) = owner().and_then(value) {
        response.metadata_mut().insert(NAME, value);
    }
    response
}

/// A status that names the owner, where there is one to name.
pub(super) fn status(mut status: Status, owner: Option<String>) -> Status {
    if let Some(value) = owner.and_then(value) {
        status.metadata_mut().insert(NAME, value);
    }
    status
}

fn value(owner: String) -> Option<MetadataValue<Ascii>> {
    MetadataValue::try_from(owner).ok()
}
