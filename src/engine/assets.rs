//! What assets answer, as a response with a body: small files whole, larger ones as a stream.

use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, Thread};

use bytes::Bytes;

use super::http::{Body, FetchResponse, usual_reason};
use super::pipe::{PipeError, PipeWriter, pipe};
use crate::assets::{Answer, Content};
use crate::base::limits;

/// Bytes that are read at once of a file that is streamed.
const CHUNK: usize = 64 * 1024;

/// The response that `answer` is.
pub fn response(answer: Answer) -> FetchResponse {
    let Answer { mut status, mut headers, content } = answer;
    let body = match content {
        Content::Empty => Body::Empty,
        Content::File(file, length) => body(file, length).unwrap_or_else(|_| {
            status = 500;
            headers.clear();
            Body::Empty
        }),
    };
    FetchResponse { status, status_text: usual_reason(status).into(), headers, body, web_socket: None }
}

fn body(mut file: File, length: u64) -> std::io::Result<Body> {
    if length <= limits::BODY_INLINE_BYTES as u64 {
        let mut bytes = Vec::new();
        file.take(length).read_to_end(&mut bytes)?;
        return Ok(Body::Bytes(Bytes::from(bytes)));
    }
    let (writer, reader) = pipe();
    thread::Builder::new().name("asset".to_owned()).spawn(move || copy(&mut file, length, writer))?;
    Ok(Body::Stream(reader, Some(length)))
}

/// Wakes the thread that copies.
struct Unpark(Thread);

impl Wake for Unpark {
    fn wake(self: Arc<Self>) {
        self.0.unpark();
    }
}

/// Moves `length` bytes of `file` into the pipe, no faster than they are read from it.
fn copy(file: &mut File, length: u64, mut writer: PipeWriter) {
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut context = Context::from_waker(&waker);
    let mut left = length;
    while left > 0 {
        match writer.poll_ready(&mut context) {
            Poll::Ready(Ok(())) => {}
            // Nobody wants the rest.
            Poll::Ready(Err(_)) => return,
            Poll::Pending => {
                thread::park();
                continue;
            }
        }
        let mut chunk = vec![0; CHUNK.min(usize::try_from(left).unwrap_or(CHUNK))];
        match file.read(&mut chunk) {
            Ok(0) => return writer.fail(PipeError::new("the file became shorter while it was read")),
            Ok(read) => {
                chunk.truncate(read);
                left -= read as u64;
                writer.write(Bytes::from(chunk));
            }
            Err(error) => return writer.fail(PipeError::new(format!("the file could not be read: {error}"))),
        }
    }
    writer.end();
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::io::Write as _;

    use super::*;

    fn file(length: usize) -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..length).map(|n| u8::try_from(n % 251).expect("small")).collect();
        let mut file = tempfile::tempfile().expect("a file");
        file.write_all(&bytes).expect("written");
        std::io::Seek::rewind(&mut file).expect("a file");
        (file, bytes)
    }

    #[test]
    fn small_files_come_whole_and_large_ones_in_pieces() {
        let (small, expected) = file(1000);
        let Ok(Body::Bytes(bytes)) = body(small, 1000) else { panic!("it is small") };
        assert_eq!(bytes, expected);
        let (large, expected) = file(1_000_000);
        let Ok(Body::Stream(mut reader, Some(1_000_000))) = body(large, 1_000_000) else {
            panic!("it is large")
        };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let mut all = Vec::new();
        while let Some(chunk) = runtime.block_on(poll_fn(|context| reader.poll_read(context))) {
            all.extend_from_slice(&chunk.expect("no failure"));
        }
        assert!(all == expected);
    }

    #[test]
    fn a_file_that_became_shorter_breaks_the_body_off() {
        let (large, _) = file(100_000);
        let Ok(Body::Stream(mut reader, _)) = body(large, 200_000) else { panic!("it is large") };
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        let last = loop {
            match runtime.block_on(poll_fn(|context| reader.poll_read(context))) {
                Some(Ok(_)) => {}
                other => break other,
            }
        };
        assert!(matches!(last, Some(Err(_))), "{last:?}");
    }
}
