//! A Wasm network filter that does nothing; configured as `copy` it takes all bytes and gives them back.
//!
//! The benchmark compares filters with it: doing nothing is the price of Wasm, copying that of looking at bytes.
#![allow(
    missing_docs,
    reason = "proxy_wasm::main! generates an undocumented function"
)]

use meshlane_host::connection::Direction;
use proxy_wasm::traits::{Context, RootContext, StreamContext};
use proxy_wasm::types::{Action, ContextType};

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root { copies: false }));
}}

struct Root {
    copies: bool,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        self.copies = meshlane_host::document(size) == b"copy";
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::StreamContext)
    }

    fn create_stream_context(&self, _context_id: u32) -> Option<Box<dyn StreamContext>> {
        Some(Box::new(Stream {
            copies: self.copies,
        }))
    }
}

struct Stream {
    copies: bool,
}

impl Context for Stream {}

impl StreamContext for Stream {
    fn on_downstream_data(&mut self, size: usize, _end: bool) -> Action {
        self.pass(Direction::FromDownstream, size)
    }

    fn on_upstream_data(&mut self, size: usize, _end: bool) -> Action {
        self.pass(Direction::ToDownstream, size)
    }
}

impl Stream {
    fn pass(&self, direction: Direction, size: usize) -> Action {
        if self.copies {
            direction.replace(size, &mut direction.read(size).into_iter());
        }
        Action::Continue
    }
}
