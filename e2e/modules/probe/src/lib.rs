//! A Wasm filter that makes, on each request, exactly the host calls that its configuration lists.
//!
//! The configuration is `call=times` words, for example `headers=1 set-header=1 set-property=1`; empty means none.
//! The benchmark measures it with and without a call: the difference is what the call costs.
#![allow(
    missing_docs,
    reason = "proxy_wasm::main! generates an undocumented function"
)]

mod call;

use call::Call;
use meshlane_host::metric::Counter;
use proxy_wasm::hostcalls;
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, BufferType, ContextType};
use std::rc::Rc;

proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| Box::new(Root {
        calls: Rc::new([]),
        counter: None,
    }));
}}

struct Root {
    calls: Rc<[Call]>,
    counter: Option<Counter>,
}

impl Context for Root {}

impl RootContext for Root {
    fn on_configure(&mut self, size: usize) -> bool {
        let words = match hostcalls::get_buffer(BufferType::PluginConfiguration, 0, size) {
            Ok(words) => words.unwrap_or_default(),
            Err(_) => return false,
        };
        let Some(calls) = std::str::from_utf8(&words).ok().and_then(Call::parse_all) else {
            return false;
        };
        self.calls = calls;
        self.counter = Some(Counter::new("meshlane_probe"));
        true
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, _context_id: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            calls: Rc::clone(&self.calls),
            counter: self.counter?,
        }))
    }
}

struct Stream {
    calls: Rc<[Call]>,
    counter: Counter,
}

impl Context for Stream {}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _count: usize, _end_of_stream: bool) -> Action {
        for call in self.calls.iter() {
            // A call that fails would be measured as cheap: end the request so that the benchmark's check sees it.
            if call.make(self.counter).is_none() {
                return match hostcalls::send_http_response(500, Vec::new(), None) {
                    Ok(()) => Action::Pause,
                    Err(_) => Action::Continue,
                };
            }
        }
        Action::Continue
    }
}
