//! The Envoy filter for rate limits.
//!
//! It gathers the facts of a request, lets [`meshlane_rate_limit`] decide, and applies the decision: a refusal, a wait, headers of the
//! answer; counters, the line for access logs. What a request holds of a limit it gives back when it ends.
#![allow(
    missing_docs,
    reason = "the SDK's macro exports a function without documentation"
)]

mod metrics;
mod vm;

use std::rc::Rc;
use std::time::Duration;

use meshlane_diagnostics::{OnInvalidConfig, Reason};
use meshlane_host::shared_data::HostData;
use meshlane_host::{Configured, KindOfFilter, access_log, call, headers, stream};
use meshlane_rate_limit::{Counts, Decision, Held, Now, Policy, Question, Refused, SharedData};
use proxy_wasm::traits::{Context, HttpContext, RootContext};
use proxy_wasm::types::{Action, ContextType};

use crate::metrics::Metrics;
use crate::vm::Turn;

#[cfg(feature = "module")]
proxy_wasm::main! {{
    proxy_wasm::set_root_context(|_| root());
}}

/// The plugin, before its configuration is known.
pub fn root() -> Box<dyn RootContext> {
    Box::new(Root { plugin: None })
}

const KIND: KindOfFilter<Policy> = KindOfFilter {
    name: "rate-limit",
    on_invalid_config: OnInvalidConfig::Refuse,
    parse: |document, _| Policy::parse(document),
};

/// The plugin with the configuration in force.
pub(crate) struct Plugin {
    configured: Configured<Policy>,
    counts: Counts,
    metrics: Metrics,
    /// How often a sign of life has to be given of what requests hold.
    renewal: Option<Duration>,
}

struct Root {
    plugin: Option<Rc<Plugin>>,
}

impl Context for Root {}

impl RootContext for Root {
    /// Always accepts: Envoy would answer 500 to every request otherwise.
    fn on_configure(&mut self, size: usize) -> bool {
        meshlane_host::follow_log_level();
        let configured = Configured::load(&KIND, size);
        let policy = configured.policy.as_ref();
        let mut random = meshlane_host::random_bytes;
        let counts = policy.map(|policy| Counts::open(policy, &HostData, &mut random));
        let limits = policy.into_iter().flat_map(Policy::limits);
        let plugin = Rc::new(Plugin {
            counts: counts.unwrap_or_default(),
            renewal: limits.filter_map(|limit| limit.renewal()).min(),
            metrics: Metrics::define(&configured),
            configured,
        });
        vm::take_in(&plugin);
        self.plugin = Some(plugin);
        true
    }

    fn on_tick(&mut self) {
        meshlane_host::refresh_log_level();
        vm::on_tick(meshlane_host::now());
    }

    fn get_type(&self) -> Option<ContextType> {
        Some(ContextType::HttpContext)
    }

    fn create_http_context(&self, context: u32) -> Option<Box<dyn HttpContext>> {
        Some(Box::new(Stream {
            context,
            plugin: self.plugin.clone(),
            asking: None,
            held: Vec::new(),
            went_on: Duration::ZERO,
            answered: None,
            response_headers: Vec::new(),
        }))
    }
}

/// One request and its response.
struct Stream {
    context: u32,
    plugin: Option<Rc<Plugin>>,
    /// What rate limit services are asked, each question by the number of its call.
    asking: Option<(Decision, Vec<(u32, Question)>)>,
    /// What it gives back when it ends.
    held: Vec<Held>,
    /// When it went on to the upstream.
    went_on: Duration,
    /// When the upstream answered.
    answered: Option<Duration>,
    response_headers: Vec<(String, String)>,
}

impl Context for Stream {
    fn on_grpc_call_response(&mut self, call: u32, status: u32, size: usize) {
        let Some(plugin) = self.plugin.clone() else {
            return;
        };
        let message = (status == 0).then(|| call::grpc_message(size)).flatten();
        if self.on_answer(&plugin, call, message.as_deref()) == Some(Action::Continue) {
            stream::resume_request(self.context);
        }
    }
}

impl HttpContext for Stream {
    fn on_http_request_headers(&mut self, _: usize, _: bool) -> Action {
        let Some(plugin) = self.plugin.clone() else {
            return Action::Continue;
        };
        match self.decide(&plugin) {
            Ok(action) => action,
            Err(reason) => {
                meshlane_host::refuse(reason);
                Action::Pause
            }
        }
    }

    fn on_http_response_headers(&mut self, _: usize, _: bool) -> Action {
        if !self.held.is_empty() {
            self.answered = Some(meshlane_host::now());
        }
        for (name, value) in &self.response_headers {
            headers::add_response(name, value.as_bytes());
        }
        Action::Continue
    }
}

impl Stream {
    /// Lets the request at hand pass, wait or not pass; an error is why there is nothing to decide by.
    fn decide(&mut self, plugin: &Rc<Plugin>) -> Result<Action, Reason> {
        let configured = &plugin.configured;
        let facts = configured.enter(Policy::settings)?;
        let Some(policy) = &configured.policy else {
            return Ok(Action::Continue);
        };
        let now = now();
        let decision = policy.decide(
            &plugin.counts,
            &HostData,
            &facts,
            &configured.workload,
            now,
            &mut meshlane_host::random_bytes,
        );
        Ok(match decision.questions.is_empty() {
            true => self.apply(plugin, policy, decision, now.time),
            false => self.ask(plugin, policy, decision),
        })
    }

    /// Asks what has to be asked before it is known whether the request passes.
    fn ask(&mut self, plugin: &Rc<Plugin>, policy: &Policy, mut decision: Decision) -> Action {
        let mut calls = Vec::with_capacity(decision.questions.len());
        for question in decision.questions.clone() {
            let service = question.service(policy).unwrap_or_default();
            let message = question.message(policy);
            let call = call::grpc(
                service,
                SHOULD_RATE_LIMIT,
                &message,
                question.timeout(policy),
            );
            plugin.metrics.called(question.index());
            match call {
                Some(call) => calls.push((call, question)),
                None => plugin.answer(policy, &mut decision, &question, None),
            }
        }
        if decision.questions.is_empty() {
            return self.apply(plugin, policy, decision, meshlane_host::now());
        }
        self.asking = Some((decision, calls));
        Action::Pause
    }

    /// Takes in the answer to a question. Once all are there it is known what happens to the request.
    fn on_answer(
        &mut self,
        plugin: &Rc<Plugin>,
        call: u32,
        message: Option<&[u8]>,
    ) -> Option<Action> {
        let policy = plugin.configured.policy.as_ref()?;
        let (decision, calls) = self.asking.as_mut()?;
        let at = calls.iter().position(|(asked, _)| *asked == call)?;
        let (_, question) = calls.swap_remove(at);
        plugin.answer(policy, decision, &question, message);
        if !decision.questions.is_empty() {
            return None;
        }
        let (decision, _) = self.asking.take()?;
        Some(self.apply(plugin, policy, decision, meshlane_host::now()))
    }

    /// Does what was decided about the request at hand.
    fn apply(
        &mut self,
        plugin: &Rc<Plugin>,
        policy: &Policy,
        decision: Decision,
        now: Duration,
    ) -> Action {
        plugin.note(policy, &decision);
        if let Some(Refused { reason, reply }) = &decision.refused {
            let (status, grpc_status) = (reply.status, reply.grpc_status);
            meshlane_host::reply(*reason, status, grpc_status, &reply.headers, &reply.body);
            return Action::Pause;
        }
        for (name, value) in &decision.request_headers {
            headers::set_request(name, value.as_bytes());
        }
        self.response_headers = decision.response_headers;
        let (waiting, held) = decision.held.into_iter().partition(Held::is_waiting);
        self.held = held;
        vm::hold(plugin, &self.held);
        let until = decision.until;
        self.went_on = until.max(now);
        if until <= now {
            return Action::Continue;
        }
        let turn = Turn {
            plugin: Rc::clone(plugin),
            held: waiting,
            since: now,
        };
        vm::wait(now, until, self.context, turn);
        Action::Pause
    }
}

impl Drop for Stream {
    /// The request is answered, or its client gone.
    fn drop(&mut self) {
        let Some(plugin) = &self.plugin else { return };
        vm::forget(self.went_on, self.context);
        let took = self.answered;
        let took = took.map(|answered| answered.saturating_sub(self.went_on));
        for held in &self.held {
            plugin.release(held, took);
        }
        vm::give_up(plugin, &self.held);
        // Nobody waits for the answers any more.
        let asking = self.asking.take();
        for held in asking.iter().flat_map(|(decision, _)| &decision.held) {
            plugin.cancel(held);
        }
    }
}

fn now() -> Now {
    Now {
        time: meshlane_host::now(),
        holder: vm::holder(),
    }
}

impl Plugin {
    fn note(&self, policy: &Policy, decision: &Decision) {
        self.metrics.count(decision);
        let summary = decision.summary(policy);
        if !summary.is_empty() {
            log::debug!("{}: {summary}", self.configured.name);
            access_log::leave(access_log::RATE_LIMIT, &summary);
        }
    }

    fn answer(
        &self,
        policy: &Policy,
        decision: &mut Decision,
        question: &Question,
        message: Option<&[u8]>,
    ) {
        if message.is_none() {
            self.metrics.failed(question.index());
        }
        let mut random = meshlane_host::random_bytes;
        let stores: (_, &dyn SharedData) = (&self.counts, &HostData);
        policy.answer(stores, decision, question, message, now(), &mut random);
    }

    /// Others may have what a request held.
    fn release(&self, held: &Held, took: Option<Duration>) {
        let time = (meshlane_host::now(), took);
        self.change(|policy| self.counts.release(policy, &HostData, held, time));
    }

    /// A request went away while it waited.
    fn cancel(&self, held: &Held) {
        self.change(|policy| self.counts.cancel(policy, &HostData, held));
    }

    fn renew(&self, held: &Held, now: Duration) {
        self.change(|policy| self.counts.renew(policy, &HostData, held, now));
    }

    /// Changes what is counted, and tells when that could not be noted.
    fn change(&self, change: impl FnOnce(&Policy) -> bool) {
        let policy = self.configured.policy.as_ref();
        if policy.is_some_and(|policy| !change(policy)) {
            self.metrics.lost();
        }
    }
}

/// What a rate limit service is asked by.
const SHOULD_RATE_LIMIT: (&str, &str) = (
    "envoy.service.ratelimit.v3.RateLimitService",
    "ShouldRateLimit",
);
