//! The way of requests through the services of lane groups.

use serde::Serialize;

use super::service::Target;
use super::{clusters, fresh_bytes, requests, write_report};
use crate::args::{ExplainArgs, Format};
use crate::command::{Exit, Failure, Streams, lane_groups};
use crate::explain::{LaneMesh, Walked, print_walk, random_bytes};

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    requests: Vec<Walked>,
}

pub(super) fn run(args: &ExplainArgs, streams: &mut Streams<'_>) -> Result<Exit, Failure> {
    let found = lane_groups::read(&args.lane_group, streams)?;
    let merged = match found.merged {
        Ok(merged) => merged,
        Err(exit) => {
            write_report(&found.files, args.format, streams)?;
            return Ok(exit);
        }
    };
    let mesh = LaneMesh::new(&merged.rendered).map_err(Failure::Walk)?;
    let requests = walk_all(&mesh, args, streams)?;
    let text = match args.format {
        Format::Human => {
            let pages: Vec<String> = requests.iter().map(print_walk).collect();
            pages.join("\n")
        }
        Format::Json => serde_json::to_string_pretty(&Document { requests })? + "\n",
    };
    streams.output.write_all(text.as_bytes())?;
    Ok(Exit::Fine)
}

fn walk_all(
    mesh: &LaneMesh,
    args: &ExplainArgs,
    streams: &mut Streams<'_>,
) -> Result<Vec<Walked>, Failure> {
    let policies = mesh.policies();
    let names: Vec<_> = args.calls.iter().map(|name| name.trim()).collect();
    let services = names.iter().map(|name| Target::find(name, &policies));
    let services = services.collect::<Result<Vec<_>, _>>()?;
    let given = args.random.as_deref().map(random_bytes).transpose()?;
    let snapshot = clusters(args, &policies, streams)?;
    let mut walked = Vec::new();
    for mut request in requests(args, streams)? {
        if let Some(first) = services.first() {
            first.address(&mut request)?;
        }
        let random = request.random_bytes()?.or(given);
        let random = random.unwrap_or_else(fresh_bytes);
        let walk = mesh.walk(&request, &names, snapshot.as_ref(), random);
        walked.push(walk.map_err(Failure::Walk)?);
    }
    Ok(walked)
}
