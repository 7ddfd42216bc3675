//! A message as Kafka hands it over, turned into ours. Whatever a foreign client wrote is taken.

use std::ffi::{CStr, c_char, c_void};
use std::ptr;

use chrono::{DateTime, Utc};
use rdkafka::bindings;
use rdkafka::message::{BorrowedMessage, Header, Headers, Message as _, OwnedHeaders};

use crate::{Message, Position, Stored};

pub(super) fn to_stored(message: &BorrowedMessage<'_>) -> Stored {
    let at = message
        .timestamp()
        .to_millis()
        .and_then(DateTime::from_timestamp_millis);
    Stored {
        position: Position(message.offset()),
        at: at.unwrap_or(DateTime::<Utc>::UNIX_EPOCH),
        message: Message {
            key: message.key().map(<[u8]>::to_vec),
            headers: headers(message),
            payload: message.payload().unwrap_or_default().to_vec(),
        },
    }
}

pub(super) fn to_headers(headers: &[(String, Vec<u8>)]) -> OwnedHeaders {
    headers.iter().fold(
        OwnedHeaders::new_with_capacity(headers.len()),
        |all, (name, value)| {
            all.insert(Header {
                key: name,
                value: Some(value),
            })
        },
    )
}

/// Names that are no text come with replacement characters; a null value is an empty one.
fn headers(message: &BorrowedMessage<'_>) -> Vec<(String, Vec<u8>)> {
    let count = message.headers().map_or(0, Headers::count);
    (0..count).filter_map(|index| header(message, index)).collect()
}

// rdkafka's own accessor panics on a name that is not UTF-8, and anybody may write one into a topic.
#[allow(unsafe_code)]
fn header(message: &BorrowedMessage<'_>, index: usize) -> Option<(String, Vec<u8>)> {
    let mut headers = ptr::null_mut();
    let mut name: *const c_char = ptr::null();
    let mut value: *const c_void = ptr::null();
    let mut size = 0;
    // SAFETY: the message is alive for as long as it is borrowed here, and owns its headers; every
    // pointer is checked before use, and what it points to is copied before this function returns.
    unsafe {
        if bindings::rd_kafka_message_headers(message.ptr(), &mut headers) as i32 != 0 || headers.is_null() {
            return None;
        }
        let found = bindings::rd_kafka_header_get_all(headers, index, &mut name, &mut value, &mut size);
        if found as i32 != 0 || name.is_null() {
            return None;
        }
        let value = match value.is_null() {
            true => Vec::new(),
            false => std::slice::from_raw_parts(value.cast::<u8>(), size).to_vec(),
        };
        Some((CStr::from_ptr(name).to_string_lossy().into_owned(), value))
    }
}
