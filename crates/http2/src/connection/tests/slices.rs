//! Payloads are not copied, and do not hold more than themselves.

use bytes::Bytes;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::pair::pair;
use super::*;

#[test]
fn large_payloads_are_slices_both_ways() {
    let (mut client, mut server) = pair(&mut Random(1), 100);
    let body = Bytes::from(vec![7u8; 40_000]);
    let stream = client.open_stream(request(), false).unwrap();
    client.send_data(stream, body.clone(), true);
    let within = |slice: &Bytes, whole: &Bytes| {
        let (slice, whole) = (slice.as_ptr_range(), whole.as_ptr_range());
        whole.start <= slice.start && slice.end <= whole.end
    };
    let pieces: Vec<Bytes> = std::iter::from_fn(|| client.poll_output()).collect();
    let slices = pieces
        .iter()
        .filter(|piece| within(piece, &body))
        .map(Bytes::len)
        .collect::<Vec<_>>();
    assert_eq!(slices, [16_384, 16_384, 7_232]);
    for piece in &pieces {
        server.handle_bytes(piece.clone()).unwrap();
    }
    let data: Vec<Bytes> = events(&mut server)
        .into_iter()
        .filter_map(|e| {
            if let Event::Data { data, .. } = e {
                Some(data)
            } else {
                None
            }
        })
        .collect();
    assert!(data.iter().all(|data| within(data, &body)));
    assert_eq!(data.iter().map(Bytes::len).sum::<usize>(), body.len());
}

#[test]
fn a_frame_of_data_is_handed_on_as_it_arrives() {
    let mut server = server(Config::default());
    server.handle_bytes(headers(1, 0).into()).unwrap();
    events(&mut server);
    let bytes = Bytes::from(frame(0, 1, 1, &[5; 1_000]));
    server.handle_bytes(bytes.slice(..509)).unwrap();
    assert_eq!(
        events(&mut server),
        [Event::Data {
            id: id(1),
            data: Bytes::from(vec![5; 500]),
            end: false
        }]
    );
    server.handle_bytes(bytes.slice(509..)).unwrap();
    assert_eq!(
        events(&mut server),
        [Event::Data {
            id: id(1),
            data: Bytes::from(vec![5; 500]),
            end: true
        }]
    );
}

#[test]
fn a_slice_of_a_large_input_does_not_hold_it() {
    let mut server = server(Config {
        initial_window_size: 1 << 20,
        ..Config::default()
    });
    server.handle_bytes(headers(1, 0).into()).unwrap();
    events(&mut server);
    let small = frame(0, 0, 1, &[7; 10]);
    let chunk = Bytes::from(small.repeat(3_000));
    server.handle_bytes(chunk.clone()).unwrap();
    let data = events(&mut server);
    assert_eq!(data.len(), 3_000);
    assert!(chunk.is_unique(), "nothing refers to the input");
}
