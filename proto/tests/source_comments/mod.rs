//! The comments of a `.proto` file, by the place of what they stand above.

use prost_types::FileDescriptorProto;
use std::collections::BTreeMap;

/// The comment above each element of a file, by the element's path in the descriptor.
pub(crate) fn comments(file: &FileDescriptorProto) -> BTreeMap<Vec<i32>, String> {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    locations.map(|location| (location.path.clone(), location.leading_comments().trim().to_owned())).collect()
}
