//! Each algorithm against a simple one that keeps everything, with random traces.

use std::collections::BTreeMap;
use std::time::Duration;

#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::{Random, START};
use crate::algorithm::{
    Adaptive, Algorithm, Ask, Concurrency, Queue, SlidingWindow, TokenBucket, Verdict, WarmUp,
    Window,
};

const TRACES: u64 = 200;
const REQUESTS: usize = 400;

fn ask(now: Duration) -> Ask {
    Ask {
        now,
        holder: 1,
        patience: Duration::ZERO,
        waits: true,
        hits: 1,
    }
}

fn is_admitted(verdict: Verdict) -> bool {
    matches!(verdict, Verdict::Admitted(_))
}

/// Plays traces; the model says whether a request is to pass.
fn play(
    scale: impl Fn(&Algorithm) -> Duration,
    draw: impl Fn(&mut Random) -> Algorithm,
    model: impl Fn(&Algorithm) -> Box<dyn FnMut(Duration) -> bool>,
) {
    for seed in 0..TRACES {
        let mut random = Random::new(seed);
        let algorithm = draw(&mut random);
        let mut expected = model(&algorithm);
        let (mut state, mut now) = (Vec::new(), START);
        for request in 0..REQUESTS {
            now += random.pause(scale(&algorithm));
            let before = state.clone();
            let answer = algorithm.take(&mut state, &ask(now));
            let found = is_admitted(answer.verdict);
            assert_eq!(
                found,
                expected(now),
                "{algorithm:?}, trace {seed}, request {request}"
            );
            if !found {
                assert_eq!(state, before, "who is refused takes nothing");
                assert_eq!(answer.quota.remaining, 0, "{algorithm:?}");
                // What the answer says of the time after which there is room holds.
                let Verdict::Over(wait) = answer.verdict else {
                    panic!("{answer:?}")
                };
                let mut later = state.clone();
                let again = algorithm.take(&mut later, &ask(now + wait));
                assert!(is_admitted(again.verdict), "{algorithm:?}, {wait:?} later");
            }
        }
        let mut later = now;
        for _ in 0..2_000 {
            later += scale(&algorithm);
            if algorithm.is_idle(&state, later) {
                break;
            }
        }
        assert!(
            algorithm.is_idle(&state, later),
            "{algorithm:?} is idle at last"
        );
    }
}

/// The tokens themselves, in parts that come out even.
#[test]
fn a_token_bucket_has_the_tokens_that_came() {
    play(
        |_| Duration::from_secs(1),
        |random| {
            // Intervals of whole nanoseconds, so that there is nothing to round.
            let requests = [1, 2, 4, 5, 8, 10, 20, 25, 100, 1_000][random.below(10) as usize];
            Algorithm::TokenBucket(TokenBucket {
                requests,
                per: Duration::from_secs(1 + random.below(3)),
                burst: 1 + random.below(20) as u32,
            })
        },
        |algorithm| {
            let Algorithm::TokenBucket(bucket) = *algorithm else {
                panic!()
            };
            let token = bucket.per.as_nanos();
            let most = token * u128::from(bucket.burst);
            let (mut tokens, mut last) = (most, START);
            Box::new(move |now| {
                tokens += (now - last).as_nanos() * u128::from(bucket.requests);
                tokens = tokens.min(most);
                last = now;
                let has_one = tokens >= token;
                tokens -= if has_one { token } else { 0 };
                has_one
            })
        },
    );
}

/// At no rate, also none that divides a second, more pass in any time than the burst and what comes in it.
#[test]
fn a_token_bucket_never_lets_more_through() {
    for seed in 0..TRACES {
        let mut random = Random::new(seed);
        let (requests, burst) = (1 + random.below(999) as u32, 1 + random.below(9) as u32);
        let per = Duration::from_nanos(1_000_000 + random.below(5_000_000_000));
        let bucket = TokenBucket {
            requests,
            per,
            burst,
        };
        let (mut state, mut now) = (Vec::new(), START);
        let mut admitted: Vec<Duration> = Vec::new();
        for _ in 0..REQUESTS {
            now += random.pause(per / requests);
            if is_admitted(bucket.take(&mut state, now).verdict) {
                admitted.push(now);
            }
        }
        for (first, begin) in admitted.iter().enumerate() {
            for (last, end) in admitted.iter().enumerate().skip(first) {
                let came = (*end - *begin).as_nanos() * u128::from(requests) / per.as_nanos();
                let passed = (last - first + 1) as u128;
                assert!(passed <= u128::from(burst) + came, "{bucket:?}: {passed}");
            }
        }
        // And nearly as many as it says: a busy client gets all of the rate.
        let step = per / requests / 50;
        let busy = (0..REQUESTS as u32 * 50).map(|number| now + per * 2 + step * number);
        let passed = busy.filter(|now| is_admitted(bucket.take(&mut state, *now).verdict));
        let passed = passed.count();
        assert!(passed >= REQUESTS * 95 / 100, "{bucket:?}: {passed}");
    }
}

/// All requests with their times, counted anew each time.
#[test]
fn a_sliding_window_counts_what_is_in_it() {
    let window = |random: &mut Random| Window {
        requests: 1 + random.below(30) as u32,
        per: Duration::from_millis([1, 7, 100, 1_000, 60_000][random.below(5) as usize]),
    };
    let longest = |algorithm: &Algorithm| {
        let Algorithm::SlidingWindow(SlidingWindow { windows }) = algorithm else {
            panic!()
        };
        windows.iter().map(|window| window.per).max().unwrap()
    };
    play(
        |algorithm| longest(algorithm) / 4,
        |random| {
            let windows = (0..=random.below(2)).map(|_| window(random)).collect();
            Algorithm::SlidingWindow(SlidingWindow { windows })
        },
        |algorithm| {
            let Algorithm::SlidingWindow(SlidingWindow { windows }) = algorithm.clone() else {
                panic!()
            };
            let mut admitted: Vec<Duration> = Vec::new();
            Box::new(move |now| {
                let has_room = windows.iter().all(|window| {
                    let tenth = window.per.as_nanos().div_ceil(10);
                    let slot = |time: Duration| time.as_nanos() / tenth;
                    let counting = admitted
                        .iter()
                        .filter(|time| slot(now) - slot(**time) <= 10);
                    // What the definition is for: nobody gets more in any time of this length.
                    let last = admitted.iter().filter(|time| now - **time < window.per);
                    assert!(last.count() <= window.requests as usize);
                    counting.count() < window.requests as usize
                });
                if has_room {
                    admitted.push(now);
                }
                has_room
            })
        },
    );
}

/// Sentinel's controller, with the requests themselves instead of slots.
#[test]
fn a_warm_up_is_that_of_sentinel() {
    play(
        |_| Duration::from_secs(1),
        |random| {
            Algorithm::WarmUp(WarmUp {
                requests: 1 + random.below(60) as u32,
                period: 1 + random.below(20) as u32,
                cold_factor: 2 + random.below(4) as u32,
            })
        },
        |algorithm| {
            let Algorithm::WarmUp(WarmUp {
                requests,
                period,
                cold_factor,
            }) = *algorithm
            else {
                panic!()
            };
            let (count, factor) = (f64::from(requests), f64::from(cold_factor));
            let warning = f64::from(period) * count / (factor - 1.0);
            let most = warning + 2.0 * f64::from(period) * count / (1.0 + factor);
            let slope = (factor - 1.0) / count / (most - warning);
            let (mut tokens, mut filled) = (0.0_f64, 0_u64);
            let mut admitted: Vec<Duration> = Vec::new();
            Box::new(move |now| {
                let second = now.as_secs();
                if second > filled {
                    let last = admitted
                        .iter()
                        .filter(|time| time.as_secs() + 1 == second)
                        .count();
                    let came = (second - filled) as f64 * count;
                    if tokens <= warning || (last as f64) < count / factor {
                        tokens += came;
                    }
                    tokens = (tokens.min(most) - last as f64).max(0.0);
                    filled = second;
                }
                let rate = match tokens >= warning {
                    true => (1.0 / ((tokens - warning) * slope + 1.0 / count)).next_up(),
                    false => count,
                };
                let slot = |time: Duration| time.as_millis() / 100;
                let passed = admitted
                    .iter()
                    .filter(|time| slot(now) - slot(**time) <= 10)
                    .count();
                let has_room = (passed as f64) < rate.floor().max(1.0);
                if has_room {
                    admitted.push(now);
                }
                has_room
            })
        },
    );
}

#[test]
fn a_cold_service_gets_a_third_and_later_all() {
    let warm_up = WarmUp {
        requests: 90,
        period: 10,
        cold_factor: 3,
    };
    let (mut state, mut now) = (Vec::new(), Duration::from_secs(1_800_000_000));
    let mut seconds = Vec::new();
    for _ in 0..30 {
        let mut passed = 0;
        for _ in 0..200 {
            passed += u32::from(is_admitted(warm_up.take(&mut state, now).verdict));
            now += Duration::from_millis(5);
        }
        seconds.push(passed);
    }
    assert!((25..=31).contains(&seconds[0]), "{seconds:?}");
    assert!(
        seconds.windows(2).all(|pair| pair[0] <= pair[1] + 9),
        "{seconds:?}"
    );
    let warm: u32 = seconds[20..].iter().sum::<u32>() / 10;
    assert!((80..=90).contains(&warm), "{seconds:?}");
}

/// Who has how many, and when it was last heard of.
#[test]
fn concurrency_counts_those_that_are_there() {
    for seed in 0..TRACES {
        let mut random = Random::new(seed);
        let most = 1 + random.below(12) as u32;
        let lease = Duration::from_secs(3 + random.below(20));
        let concurrency = Concurrency {
            requests: most,
            lease,
        };
        let mut model: BTreeMap<u64, (u32, Duration)> = BTreeMap::new();
        let (mut state, mut now) = (Vec::new(), START);
        for _ in 0..REQUESTS {
            now += random.pause(Duration::from_secs(1));
            let holder = random.below(4);
            match random.below(5) {
                0..=2 => {
                    model.retain(|_, (_, seen)| now - *seen < lease);
                    let sum: u32 = model.values().map(|(count, _)| count).sum();
                    let ask = Ask { holder, ..ask(now) };
                    let found = concurrency.take(&mut state, &ask);
                    assert_eq!(is_admitted(found.verdict), sum < most);
                    if sum < most {
                        assert_eq!(found.quota.remaining, u64::from(most - sum - 1));
                        let entry = model.entry(holder).or_insert((0, now));
                        *entry = (entry.0 + 1, now);
                    }
                }
                3 => {
                    concurrency.release(&mut state, holder);
                    if let Some((count, _)) = model.get_mut(&holder) {
                        *count -= 1;
                    }
                    model.retain(|_, (count, _)| *count > 0);
                }
                _ => {
                    concurrency.renew(&mut state, holder, now);
                    if let Some((_, seen)) = model.get_mut(&holder) {
                        *seen = now;
                    }
                }
            }
            let alive = model.values().any(|(_, seen)| now - *seen < lease);
            assert_eq!(concurrency.is_idle(&state, now), !alive);
        }
    }
}

/// The times at which requests leave, one after the other; who goes away leaves its time to the next who comes.
#[test]
fn a_queue_gives_each_the_next_free_time() {
    for seed in 0..TRACES {
        let mut random = Random::new(seed);
        let requests = [1, 2, 4, 5, 10, 100][random.below(6) as usize];
        let max_waiting = (random.below(2) == 0).then(|| 1 + random.below(6) as u32);
        let queue = Queue {
            requests,
            per: Duration::from_secs(1),
            max_waiting,
        };
        let interval = Duration::from_secs(1) / requests;
        // All times that were ever given, and whether they are taken.
        let mut times: BTreeMap<Duration, bool> = BTreeMap::new();
        // Those that wait: when they came and when they leave.
        let mut line: Vec<(Ask, Duration)> = Vec::new();
        let (mut state, mut now) = (Vec::new(), START);
        for request in 0..REQUESTS {
            now += random.pause(interval * 4);
            line.retain(|(_, time)| {
                let waits = *time > now;
                if !waits {
                    queue.release(&mut state, 1);
                }
                waits
            });
            // Now and then one goes away, whichever.
            if !line.is_empty() && random.below(4) == 0 {
                let (ask, time) = line.swap_remove(random.below(line.len() as u64) as usize);
                queue.give_back(&mut state, &ask, time - ask.now);
                times.insert(time, false);
            }
            // What passed unused is no time of the line, and neither is what was left at its end.
            times.retain(|time, is_taken| *is_taken || *time >= now);
            while times
                .last_key_value()
                .is_some_and(|(_, is_taken)| !is_taken)
            {
                times.pop_last();
            }
            let patience = interval * random.below(9) as u32;
            let ask = Ask {
                patience,
                ..ask(now)
            };
            let free = times
                .iter()
                .find(|(time, is_taken)| **time >= now && !**is_taken);
            let last = times.keys().next_back();
            let next = last.map_or(now, |last| (*last + interval).max(now));
            let time = free.map_or(next, |(time, _)| *time);
            let is_full = time > now && max_waiting.is_some_and(|max| line.len() >= max as usize);
            let expected = (time - now <= patience && !is_full).then_some(time - now);
            let found = match queue.take(&mut state, &ask).verdict {
                Verdict::Admitted(wait) => Some(wait),
                _ => None,
            };
            assert_eq!(
                found, expected,
                "{queue:?}, trace {seed}, request {request}"
            );
            if found.is_some() {
                times.insert(time, true);
                if time > now {
                    line.push((ask, time));
                }
            }
        }
        let taken: Vec<_> = times.iter().filter(|(_, is_taken)| **is_taken).collect();
        for pair in taken.windows(2) {
            assert!(
                *pair[1].0 - *pair[0].0 >= interval,
                "{queue:?}, trace {seed}"
            );
        }
    }
}

#[test]
fn what_is_given_back_is_there_again() {
    for algorithm in [
        Algorithm::TokenBucket(TokenBucket {
            requests: 1,
            per: Duration::from_secs(60),
            burst: 3,
        }),
        Algorithm::SlidingWindow(SlidingWindow {
            windows: vec![Window {
                requests: 3,
                per: Duration::from_secs(60),
            }],
        }),
        Algorithm::WarmUp(WarmUp {
            requests: 9,
            period: 10,
            cold_factor: 3,
        }),
        Algorithm::Concurrency(Concurrency {
            requests: 3,
            lease: Duration::from_secs(10),
        }),
    ] {
        let mut state = Vec::new();
        let now = ask(START);
        for _ in 0..3 {
            assert!(
                is_admitted(algorithm.take(&mut state, &now).verdict),
                "{algorithm:?}"
            );
        }
        assert!(
            !is_admitted(algorithm.take(&mut state, &now).verdict),
            "{algorithm:?}"
        );
        algorithm.give_back(&mut state, &now, Duration::ZERO);
        assert!(
            is_admitted(algorithm.take(&mut state, &now).verdict),
            "{algorithm:?}"
        );
        assert!(
            !is_admitted(algorithm.take(&mut state, &now).verdict),
            "{algorithm:?}"
        );
    }
}

/// A worker that read its clock a moment earlier takes nothing away; a clock that was set back by an hour ends no service.
#[test]
fn clocks_may_go_back() {
    let hour = Duration::from_secs(3_600);
    // The third number: how many more pass a moment earlier, after 5. Of a bucket fewer tokens had come then.
    let window = Window {
        requests: 10,
        per: Duration::from_secs(1),
    };
    for (algorithm, most, earlier) in [
        (
            Algorithm::TokenBucket(TokenBucket {
                requests: 10,
                per: window.per,
                burst: 10,
            }),
            10,
            2,
        ),
        (
            Algorithm::SlidingWindow(SlidingWindow {
                windows: vec![window],
            }),
            10,
            5,
        ),
        (
            Algorithm::WarmUp(WarmUp {
                requests: 30,
                period: 10,
                cold_factor: 3,
            }),
            10,
            5,
        ),
    ] {
        let mut state = Vec::new();
        let mut passing = |now, requests: usize| {
            let verdicts = (0..requests).map(|_| algorithm.take(&mut state, &ask(now)).verdict);
            verdicts.filter(|verdict| is_admitted(*verdict)).count()
        };
        assert_eq!(passing(START, 5), 5);
        let found = passing(START - Duration::from_millis(300), 100);
        assert_eq!(found, earlier, "{algorithm:?}");
        let set_back = START - hour;
        let tenths = (0..50).map(|tenth| set_back + Duration::from_millis(100) * tenth);
        let later: usize = tenths.map(|now| passing(now, 100)).sum();
        assert!(later >= most * 3, "{algorithm:?}: {later}");
    }
}

/// Whatever lies there, it is read as something, and no numbers overflow.
#[test]
fn any_state_is_read_as_something() {
    let most = u32::MAX;
    let long = Duration::from_secs(2_678_400);
    let algorithms = [
        Algorithm::TokenBucket(TokenBucket {
            requests: 1,
            per: long,
            burst: 1_000_000_000,
        }),
        Algorithm::SlidingWindow(SlidingWindow {
            windows: vec![
                Window {
                    requests: most,
                    per: long
                };
                5
            ],
        }),
        Algorithm::WarmUp(WarmUp {
            requests: 1_000_000_000,
            period: 3_600,
            cold_factor: 100,
        }),
        Algorithm::Concurrency(Concurrency {
            requests: most,
            lease: long,
        }),
        Algorithm::Queue(Queue {
            requests: 1,
            per: long,
            max_waiting: Some(most),
        }),
        Algorithm::Adaptive(Adaptive {
            least: 1,
            most,
            initial: 7,
            tolerance: 1.0,
            window: Duration::from_millis(100),
            lease: long,
        }),
    ];
    let mut random = Random::new(1);
    for algorithm in algorithms {
        for length in 0..300 {
            for byte in [0, 0xff, random.next() as u8] {
                let state = vec![byte; length];
                let now = Ask {
                    patience: Duration::from_secs(600),
                    ..ask(START)
                };
                let changes: [fn(&Algorithm, &mut Vec<u8>, &Ask); 4] = [
                    |algorithm, state, now| _ = algorithm.take(state, now),
                    |algorithm, state, now| algorithm.give_back(state, now, now.patience),
                    |algorithm, state, now| {
                        algorithm.release(state, now.holder, (now.now, Some(now.patience)));
                    },
                    |algorithm, state, now| algorithm.renew(state, now.holder, now.now),
                ];
                for change in changes {
                    let mut state = state.clone();
                    change(&algorithm, &mut state, &now);
                    algorithm.is_idle(&state, START);
                }
            }
        }
    }
}

/// A service that answers in 10 ms while it has no more than so many requests, and later the more there are; clients that send all
/// the time. The most requests that there are in each second.
fn serve(
    adaptive: &Adaptive,
    state: &mut Vec<u8>,
    (from, seconds): (u64, u64),
    capacity: impl Fn(u64) -> f64,
) -> Vec<usize> {
    let mut ends: Vec<(Duration, Duration)> = Vec::new();
    let mut most = Vec::new();
    for second in from..from + seconds {
        let mut inside = 0;
        for millisecond in 0..1_000 {
            let now = START + Duration::from_millis(second * 1_000 + millisecond);
            ends.retain(|(began, end)| {
                let is_over = *end <= now;
                if is_over {
                    adaptive.release(state, 1, (now, Some(now - *began)));
                }
                !is_over
            });
            while is_admitted(adaptive.take(state, &ask(now)).verdict) {
                let load = (ends.len() + 1) as f64 / capacity(second);
                let time = Duration::from_millis(10).mul_f64(load.max(1.0));
                ends.push((now, now + time));
            }
            inside = inside.max(ends.len());
        }
        most.push(inside);
    }
    // Those that are still there end.
    for (began, _) in ends {
        let now = START + Duration::from_secs(from + seconds);
        adaptive.release(state, 1, (now, Some(now - began)));
    }
    most
}

#[test]
fn an_adaptive_limit_follows_the_service() {
    let adaptive = Adaptive {
        least: 5,
        most: 500,
        initial: 20,
        tolerance: 1.5,
        window: Duration::from_millis(200),
        lease: Duration::from_secs(15),
    };
    let mut state = Vec::new();
    let grown = serve(&adaptive, &mut state, (0, 60), |_| 100.0);
    // It finds room that is there, and not much more than that: at half as much again all take half as long again.
    let found = grown[grown.len() - 1];
    assert!((100..=260).contains(&found), "{grown:?}");
    // The service gets ten times as slow: fewer and fewer are let in.
    let slow = serve(&adaptive, &mut state, (60, 20), |_| 10.0);
    assert!(slow[slow.len() - 1] <= found / 3, "{slow:?}");
    // It is as before: so is the limit, step by step, and at no time are they all refused.
    let again = serve(&adaptive, &mut state, (80, 60), |_| 100.0);
    assert!(
        again.windows(2).all(|pair| pair[1] * 10 >= pair[0] * 8),
        "{again:?}"
    );
    assert!(again[again.len() - 1] >= found * 8 / 10, "{again:?}");
}

#[test]
fn an_adaptive_limit_does_not_grow_while_it_is_not_used() {
    let adaptive = Adaptive {
        least: 5,
        most: 500,
        initial: 20,
        tolerance: 1.5,
        window: Duration::from_millis(200),
        lease: Duration::from_secs(15),
    };
    let mut state = Vec::new();
    for number in 0..10_000 {
        let now = START + Duration::from_millis(10) * number;
        let answer = adaptive.take(&mut state, &ask(now));
        assert_eq!(answer.quota.limit, 20);
        adaptive.release(&mut state, 1, (now, Some(Duration::from_millis(5))));
    }
    let later = START + Duration::from_secs(1_000);
    assert!(adaptive.is_idle(&state, later));
}
