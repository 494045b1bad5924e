//! Why a decision is as it is.

use std::fmt;

macro_rules! reasons {
    ($($(#[doc = $doc:literal])+ $variant:ident = $code:literal,)+) => {
        /// The stable code of a decision.
        ///
        /// A code never changes its meaning and is never reused: people build alerts and
        /// dashboards on it. The list is kept in `testdata/reason-codes.txt` and compared
        /// by a test.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        pub enum Reason {
            $($(#[doc = $doc])+ $variant,)+
        }

        impl Reason {
            /// Every code there is.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// The code, as it stands in metrics and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $code,)+ }
            }

            /// What the code means, in a sentence.
            pub fn description(self) -> &'static str {
                match self { $(Self::$variant => concat!($($doc),+).trim_ascii_start(),)+ }
            }
        }
    };
}

reasons! {
    /// The document was accepted and is in force.
    ConfigAccepted = "config-accepted",
    /// There is no document: the filter does nothing but remove reserved headers.
    ConfigEmpty = "config-empty",
    /// The newest document is invalid; the last good one stays in force.
    ConfigLastGood = "config-last-good",
    /// The document is invalid and there was no good one before: requests pass, reserved headers are removed.
    ConfigPassThrough = "config-pass-through",
    /// The document is invalid and there was no good one before: requests are refused, as configured.
    ConfigRefuse = "config-refuse",

    /// The host gave no headers of the request, so nothing could be decided or removed; it is refused.
    RequestUnreadable = "request-unreadable",

    /// The tag that the request came with was kept.
    TagKeptIncoming = "tag-kept-incoming",
    /// A rule matched and gave the value.
    TagRuleMatched = "tag-rule-matched",
    /// A rule matched and its split chose the value.
    TagSplitChosen = "tag-split-chosen",
    /// No rule gave a value; the default was taken.
    TagDefault = "tag-default",
    /// No rule gave a value and there is no default: the request has no tag of this name.
    TagNone = "tag-none",

    /// The request came without this tag.
    IncomingAbsent = "incoming-absent",
    /// The request came with this tag and it was kept.
    IncomingKept = "incoming-kept",
    /// The request came with this tag and it was removed before the rules were tried.
    IncomingStripped = "incoming-stripped",
    /// The request came with this tag and a rule or the default replaced it.
    IncomingOverwritten = "incoming-overwritten",
    /// The request came with this tag in a form that is no tag value; it was removed.
    IncomingInvalid = "incoming-invalid",

    /// The rule's condition holds and the rule gave the value.
    RuleMatched = "rule-matched",
    /// The rule is switched off.
    RuleDisabled = "rule-disabled",
    /// The rule's condition does not hold.
    RuleConditionFalse = "rule-condition-false",
    /// The rule's condition cannot be decided, because an attribute is absent or of another kind.
    RuleConditionUnknown = "rule-condition-unknown",
    /// The attribute that the value comes from is absent.
    RuleValueAbsent = "rule-value-absent",
    /// The attribute that the value comes from holds something that is no tag value.
    RuleValueInvalid = "rule-value-invalid",
    /// The attribute that the split goes by is absent.
    RuleSplitKeyAbsent = "rule-split-key-absent",
    /// The request falls into the part of the split that no value was given for.
    RuleSplitRemainder = "rule-split-remainder",
    /// An earlier rule, or a kept tag, decided.
    RuleNotReached = "rule-not-reached",

    /// The service's chain of routers led to a destination without any fallback.
    RouteChosen = "route-chosen",
    /// A router of the chain took a fallback, and the chain led to a destination.
    RouteFellBack = "route-fell-back",
    /// The chain left nothing, and the service's last resort gave a destination.
    RouteLastResort = "route-last-resort",
    /// Nothing was left and neither a fallback nor a last resort gave a destination; the request is refused.
    RouteRefused = "route-refused",
    /// A rule says that such requests go nowhere; the request is refused.
    RouteNobody = "route-nobody",
    /// No service of the document has the request's host: nothing was decided.
    RouteUnknownService = "route-unknown-service",

    /// The router kept what it looked for.
    RouterNarrowed = "router-narrowed",
    /// What the router looked for first left nothing; it kept the next: a wider locality, a shorter tag, another share.
    RouterWidened = "router-widened",
    /// The request has no tag, and the router kept what has none.
    RouterUntagged = "router-untagged",
    /// The request has nothing that the router goes by, or no rule holds for it: it passed.
    RouterNotApplied = "router-not-applied",
    /// The router is switched off.
    RouterDisabled = "router-disabled",
    /// The router would have left nothing, and was ignored.
    RouterSkipped = "router-skipped",
    /// The router would have left nothing, and kept a value of its fallback instead.
    RouterFellBackValue = "router-fell-back-value",
    /// The router would have left nothing, and kept what has no tag instead.
    RouterFellBackUntagged = "router-fell-back-untagged",
    /// The router left nothing; the service's last resort decides.
    RouterLeftNothing = "router-left-nothing",
    /// The router left nothing, and such requests are refused.
    RouterFailed = "router-failed",
    /// A rule of the router says that such requests go nowhere.
    RouterNobody = "router-nobody",
    /// An earlier router ended the chain.
    RouterNotReached = "router-not-reached",

    /// The document names no source of health: every destination counts as healthy.
    HealthOff = "health-off",
    /// Only destinations that Envoy says are healthy were considered.
    HealthKnown = "health-known",
    /// Envoy has not answered lately: every destination counts as healthy.
    HealthStale = "health-stale",
    /// No destination of the service is healthy: all were considered as if they were.
    HealthIgnored = "health-ignored",
    /// Envoy answered a poll of its clusters.
    HealthPolled = "health-polled",
    /// The cluster of the admin interface does not exist or did not answer as it should.
    HealthUnreachable = "health-unreachable",
    /// The answer to a poll is larger than `maxBytes`.
    HealthTooLarge = "health-too-large",
    /// The answer to a poll is not what Envoy answers.
    HealthUnreadable = "health-unreadable",

    /// The request carries the tag itself.
    CarriedByRequest = "carried-by-request",
    /// The request that caused the call had the tag, and the call got it back.
    CarriedByCorrelation = "carried-by-correlation",
    /// The request that caused the call did not have the tag; the call does not get it either.
    CarriedUntagged = "carried-untagged",
    /// No request is known that caused the call; the tag is the label of the own workload.
    CarriedByLabel = "carried-by-label",
    /// The request does not carry the tag, and nothing else tells one.
    CarriedNothing = "carried-nothing",
    /// The request carries the tag in a form that is no tag value; it was removed.
    CarriedInvalid = "carried-invalid",

    /// The request that caused the call is remembered.
    CorrelationHit = "correlation-hit",
    /// The call has an identifier, and no request with it is remembered.
    CorrelationMiss = "correlation-miss",
    /// The call, or the request, has no identifier to be recognised by.
    CorrelationUnidentified = "correlation-unidentified",
    /// The request is remembered.
    CorrelationStored = "correlation-stored",
    /// The request is remembered, and another one that was still in its lifetime was forgotten for it.
    CorrelationEvicted = "correlation-evicted",
    /// The request was remembered already.
    CorrelationKnown = "correlation-known",
    /// An earlier request with the same identifier had another tag; the newest counts.
    CorrelationReplaced = "correlation-replaced",
    /// Other workers wrote so often at the same time that the request is not remembered.
    CorrelationLost = "correlation-lost",

    /// The request is of the workload's own lane, or the call of a lane that is known.
    LaneOwn = "lane-own",
    /// The request has no tag, and the workload is of the baseline.
    LaneBaseline = "lane-baseline",
    /// The request is of a permissive lane and came to the baseline.
    LaneFellBack = "lane-fell-back",
    /// The request is of a strict lane and came to the baseline; it is refused.
    LaneLeft = "lane-left",
    /// The request has no tag and came to a workload of a lane; it is refused.
    LaneUntaggedRefused = "lane-untagged-refused",
    /// The request has no tag and came to a workload of a lane; it is sent on to the baseline.
    LaneUntaggedRerouted = "lane-untagged-rerouted",
    /// The request is of another lane; it is refused.
    LaneOtherRefused = "lane-other-refused",
    /// The request is of another lane; it is sent on to it.
    LaneOtherRerouted = "lane-other-rerouted",
    /// The request is of another lane, and let in as configured.
    LaneOtherAccepted = "lane-other-accepted",
    /// The tag is no lane's; it was removed.
    LaneUnknownTag = "lane-unknown-tag",
    /// The tag is no lane's; the request is refused.
    LaneUnknownRefused = "lane-unknown-refused",
    /// The tag is no lane's, and the request is let in with it.
    LaneUnknownAccepted = "lane-unknown-accepted",
    /// The tag is of a lane that is closed; it was removed.
    LaneClosed = "lane-closed",
    /// The request is one that is let in whatever tag it has.
    LaneExempt = "lane-exempt",

    /// The limit has room for the request.
    LimitAllowed = "limit-allowed",
    /// The limit does not hold for the request's key.
    LimitUnlimited = "limit-unlimited",
    /// The request waits for its turn.
    LimitQueued = "limit-queued",
    /// The limit has no room for the request; it is refused.
    LimitOver = "limit-over",
    /// The request would have to wait longer than it may, or too many wait already; it is refused.
    LimitQueueFull = "limit-queue-full",
    /// The limit has no room for the request, which is only counted: it passes.
    LimitShadowed = "limit-shadowed",
    /// The limit has no room for the request, which is not among the share that is refused: it passes.
    LimitNotEnforced = "limit-not-enforced",
    /// So many keys are counted that there is no room for this one; the request passes.
    LimitOverflowAllowed = "limit-overflow-allowed",
    /// So many keys are counted that there is no room for this one; the request is refused.
    LimitOverflowRefused = "limit-overflow-refused",
    /// Other workers counted so often at the same time that it was given up; the request passes.
    LimitContendedAllowed = "limit-contended-allowed",
    /// Other workers counted so often at the same time that it was given up; the request is refused.
    LimitContendedRefused = "limit-contended-refused",
    /// The rate limit service has to be asked.
    LimitAsked = "limit-asked",
    /// The rate limit service did not answer in time; the request passes.
    LimitFailedOpen = "limit-failed-open",
    /// The rate limit service did not answer in time; the request is refused.
    LimitFailedClosed = "limit-failed-closed",
    /// The limit is switched off.
    LimitDisabled = "limit-disabled",
    /// The limit's condition does not hold, or cannot be decided.
    LimitNotApplied = "limit-not-applied",
    /// The request lacks an attribute that the limit counts by.
    LimitKeyAbsent = "limit-key-absent",
    /// An earlier limit refused the request.
    LimitNotReached = "limit-not-reached",

    /// The connection's bytes stopped being Dubbo frames.
    BridgeBrokenFrame = "bridge-broken-frame",
    /// A frame is longer than `maxFrameBytes`.
    BridgeFrameTooLarge = "bridge-frame-too-large",
    /// `maxBufferedBytes` of the connection or the VM would be exceeded.
    BridgeBufferFull = "bridge-buffer-full",
    /// More calls are waiting for a free HTTP/2 stream than `maxQueuedCalls`.
    BridgeQueueFull = "bridge-queue-full",
    /// The call passes a callback as an argument, which needs calls from provider to consumer.
    BridgeCallbackArgument = "bridge-callback-argument",
    /// The head of a call could not be read, and `onUnreadableHead` is `refuse`.
    BridgeUnreadableHead = "bridge-unreadable-head",
    /// The call in the frame is not the one that path and headers say.
    BridgeCallDiffers = "bridge-call-differs",
    /// An HTTP/2 request that is no bridged Dubbo call.
    BridgeNotDubbo = "bridge-not-dubbo",
    /// The peer broke HTTP/2.
    BridgeHttp2Error = "bridge-http2-error",
    /// The provider closed its connection before it answered.
    BridgeProviderClosed = "bridge-provider-closed",
    /// The HTTP/2 stream was reset before an answer was complete.
    BridgeStreamReset = "bridge-stream-reset",
    /// The connection is going away and took no more calls.
    BridgeGoingAway = "bridge-going-away",
    /// What came back is no Dubbo response.
    BridgeNotDubboAnswer = "bridge-not-dubbo-answer",
    /// A response frame that belongs to no call.
    BridgeUnknownResponse = "bridge-unknown-response",
    /// A request or event that this side cannot take.
    BridgeUnexpectedFrame = "bridge-unexpected-frame",
    /// The connection ended inside a response that was already on its way.
    BridgeResponseCut = "bridge-response-cut",
    /// The caller's own timeout is over and no answer has come.
    BridgeTimeout = "bridge-timeout",
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    #[cfg(target_arch = "wasm32")]
    use wasm_bindgen_test::wasm_bindgen_test as test;

    #[test]
    fn the_list_of_codes_is_as_published() {
        let published = include_str!("../../../testdata/reason-codes.txt");
        let written: String = Reason::ALL
            .iter()
            .map(|reason| format!("{reason}: {}\n", reason.description()))
            .collect();
        assert_eq!(
            written, published,
            "testdata/reason-codes.txt is not as the code has it"
        );
    }

    #[test]
    fn codes_are_unique_and_kebab_case() {
        let codes: BTreeSet<_> = Reason::ALL.iter().map(|reason| reason.as_str()).collect();
        assert_eq!(codes.len(), Reason::ALL.len());
        for code in codes {
            assert!(
                code.bytes()
                    .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'),
                "{code}"
            );
        }
    }
}
