//! Bytes that a user uploads as a picture: what they cost by the byte, that what is left is no longer, and that there is nothing more to take out of it.

use crate::cost;
use std::time::Duration;
use web::picture::{Trouble, strip};

pub(crate) fn picture(data: &[u8]) {
    let mut bytes = data.to_vec();
    let (seen, cost) = cost::of(|| strip(&mut bytes));
    cost.is_at_most("picture", 512 << 10, data.len(), Duration::from_millis(1), Duration::from_nanos(400));
    let seen = match seen {
        Ok(seen) => seen,
        Err(Trouble::Broken(how)) => {
            assert!(web::session::sniff(data).is_some(), "refused, and no picture: {how}");
            return;
        }
        Err(Trouble::Disk(error)) => panic!("there is no disk: {error}"),
    };
    assert!(seen.kind == web::session::sniff(data) && seen.size == bytes.len() as u64 && bytes.len() <= data.len());
    let once = bytes.clone();
    assert!(matches!(strip(&mut bytes), Ok(again) if again == seen) && once == bytes, "there was more to take out");
}
