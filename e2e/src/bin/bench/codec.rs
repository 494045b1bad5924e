//! Nanoseconds of reading Dubbo frames in native code, without Envoy.

use std::{
    fs,
    hint::black_box,
    time::{Duration, Instant},
};

use anyhow::{Context, Result, bail};
use meshlane_dubbo::{
    ArgumentSelector, Call, Frame, FrameLimits, Limits, Progress, ResultHead, Serialization,
    Status, Wanted, content::Content,
};
use meshlane_e2e::scene::workspace;
use meshlane_hessian2::{Decoder, Path};
use serde_json::Value;

use crate::{dubbo::text_call, report::table, stats::Series};

/// Measures and prints everything about the codecs.
pub(crate) fn run() -> Result<()> {
    let mut results = table(&[
        "frames",
        "number",
        "bytes a frame",
        "everything, ns",
        "MB/s",
        "one argument, ns",
        "MB/s",
        "nothing, ns",
        "MB/s",
    ]);
    for set in sets()? {
        let mut row = vec![
            set.name.clone(),
            set.frames.len().to_string(),
            format!("{:.0}", set.bytes_per_frame()),
        ];
        for nanoseconds in set.measure()? {
            let rate = set.bytes_per_frame() / nanoseconds.median() * 1000.0;
            row.push(format!(
                "{:.0} ({:.0})",
                nanoseconds.median(),
                nanoseconds.middle()
            ));
            row.push(format!("{rate:.0}"));
        }
        results.add_row(row);
    }
    println!("\n# Reading Dubbo frames, native\n\n{results}");
    Ok(())
}

/// Frames that are measured together.
struct Set {
    name: String,
    frames: Vec<Vec<u8>>,
}

/// What there is: the frames that real peers sent, and longer ones.
fn sets() -> Result<Vec<Set>> {
    let mut requests = [
        ("Hessian2 requests", Serialization::HESSIAN2),
        ("fastjson2 requests", Serialization::FASTJSON2),
        ("Java requests", Serialization::JAVA),
    ]
    .map(|(name, serialization)| (serialization, Set::new(name)));
    let mut responses = Set::new("Hessian2 responses");
    let vectors = workspace().join("testdata/dubbo/vectors.jsonl");
    for line in fs::read_to_string(vectors)?.lines() {
        let vector: Value = serde_json::from_str(line)?;
        let bytes = hex(vector
            .get("frame")
            .and_then(Value::as_str)
            .context("a frame")?)?;
        let header = parse(&bytes)?.header;
        if header.is_event() || bytes.len() > LONG {
            continue;
        }
        let of_serialization = requests
            .iter_mut()
            .find(|(serialization, _)| *serialization == header.serialization());
        match of_serialization {
            Some((_, set)) if header.is_request() => set.frames.push(bytes),
            Some((Serialization::HESSIAN2, _)) if header.status == Status::OK => {
                responses.frames.push(bytes);
            }
            _ => {}
        }
    }
    let mut sets = requests.map(|(_, set)| set).into_iter().collect::<Vec<_>>();
    sets.insert(1, responses);
    let mut long = Set::new("Hessian2 request, 64 KiB text");
    long.frames.push(text_call(64 * 1024));
    sets.push(long);
    Ok(sets)
}

impl Set {
    fn new(name: &str) -> Self {
        Self {
            name: name.to_owned(),
            frames: Vec::new(),
        }
    }

    fn bytes_per_frame(&self) -> f64 {
        let bytes: usize = self.frames.iter().map(Vec::len).sum();
        bytes as f64 / self.frames.len() as f64
    }

    /// Nanoseconds a frame of reading everything, one argument, and nothing, in interleaved rounds.
    fn measure(&self) -> Result<[Series; 3]> {
        let limits = Limits::default();
        let argument = ArgumentSelector {
            argument: 0,
            path: Path::default(),
        };
        let (one, none) = (Wanted::new(Vec::new(), vec![argument]), Wanted::default());
        let frames = self.frames.iter().map(|bytes| parse(bytes));
        let frames = frames.collect::<Result<Vec<_>>>()?;
        let everything = |frame: &Frame<'_>| {
            let content = Content::read(&frame.header, frame.body, &limits);
            black_box(&content).is_ok()
        };
        let call = |frame: &Frame<'_>, wanted: &Wanted| {
            let serialization = frame.header.serialization();
            if frame.header.is_request() {
                let call = Call::read(serialization, frame.body, wanted, &limits);
                black_box(&call).is_ok()
            } else if wanted.arguments().is_empty() {
                let mut decoder = Decoder::new(frame.body, &limits.values);
                while !decoder.is_at_end() {
                    if decoder.skip_value().is_err() {
                        return false;
                    }
                }
                true
            } else {
                let result = ResultHead::read(serialization, frame.body, &limits);
                black_box(&result).is_ok()
            }
        };
        let works: [&dyn Fn(&Frame<'_>) -> bool; 3] =
            [&everything, &|frame| call(frame, &one), &|frame| {
                call(frame, &none)
            }];
        for (work, frame) in works
            .iter()
            .flat_map(|work| frames.iter().map(move |f| (work, f)))
        {
            if !work(frame) {
                bail!("{}: a frame cannot be read: {:?}", self.name, frame.header);
            }
        }
        let mut series = [const { Series::new() }; 3];
        let start = Instant::now();
        while start.elapsed() < TIME {
            for (work, series) in works.iter().zip(&mut series) {
                let start = Instant::now();
                let mut passes = 0_u32;
                while passes == 0 || start.elapsed() < ROUND {
                    for frame in &frames {
                        black_box(work(black_box(frame)));
                    }
                    passes += 1;
                }
                let spent = start.elapsed().as_nanos() as f64;
                series.push(spent / f64::from(passes) / frames.len() as f64);
            }
        }
        Ok(series)
    }
}

fn parse(bytes: &[u8]) -> Result<Frame<'_>> {
    match Frame::decode(bytes, &FrameLimits::default()) {
        Progress::Complete(frame) => Ok(frame),
        other => bail!("no frame: {other:?}"),
    }
}

fn hex(text: &str) -> Result<Vec<u8>> {
    let digits = text.as_bytes().chunks(2);
    digits
        .map(|pair| Ok(u8::from_str_radix(str::from_utf8(pair)?, 16)?))
        .collect()
}

/// Longer frames would hide what the usual ones cost.
const LONG: usize = 16 * 1024;
/// How long one thing is done before the next takes its turn.
const ROUND: Duration = Duration::from_millis(2);
/// How long a set is measured.
const TIME: Duration = Duration::from_secs(2);
