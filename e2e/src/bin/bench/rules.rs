//! The job: the same rules once as a `traffic-tag` document and once as a Lua script.

use serde_json::{Value, json};

/// The tag that every variant sets.
pub(crate) const TAG: &str = "x-mse-tag";

/// A document of `traffic-tag` with ten rules over three facts; the benchmark's request matches the last one.
pub(crate) fn ten_rules() -> Value {
    let rules: Vec<Value> = RULES
        .iter()
        .map(|(value, tests)| {
            let tests: Vec<Value> = tests.iter().map(Test::condition).collect();
            match tests.as_slice() {
                [only] => json!({"name": value, "when": only, "value": value}),
                _ => json!({"name": value, "when": {"all": tests}, "value": value}),
            }
        })
        .collect();
    document(&rules)
}

/// A document with so many rules on one header; the benchmark's request matches the last one.
pub(crate) fn rules_on_one_header(count: usize) -> Value {
    let rules: Vec<Value> = (1..=count)
        .map(|number| {
            let (user, value) = if number == count {
                ("alice".to_owned(), "gray".to_owned())
            } else {
                (format!("user-{number}"), format!("lane-{number}"))
            };
            json!({"when": {"attribute": "header.x-user", "exact": user}, "value": value})
        })
        .collect();
    document(&rules)
}

/// The ten rules as a Lua script that does what the filter does: the client's own tag and all reserved headers are
/// removed, the rules are evaluated, the tag is set, the decision is kept for the access log.
///
/// Written as somebody would who cares for its speed: one pass over the headers, rules as plain comparisons.
pub(crate) fn lua() -> String {
    let mut rules = String::new();
    for (value, tests) in RULES {
        let tests: Vec<String> = tests.iter().map(Test::lua).collect();
        rules.push_str(&format!(
            "  if {} then return \"{value}\", \"{value}\" end\n",
            tests.join(" and ")
        ));
    }
    LUA.replace("--RULES--\n", &rules)
}

fn document(rules: &[Value]) -> Value {
    json!({"tags": [{"name": TAG, "onIncoming": "strip", "rules": rules}]})
}

/// One comparison of one fact.
struct Test(Fact, Operator, &'static str);

#[derive(Clone, Copy)]
enum Fact {
    User,
    Agent,
    Uid,
}

#[derive(Clone, Copy)]
enum Operator {
    Exact,
    Prefix,
    Contains,
}

impl Test {
    fn condition(&self) -> Value {
        let Self(fact, operator, operand) = self;
        let attribute = match fact {
            Fact::User => "header.x-user",
            Fact::Agent => "header.user-agent",
            Fact::Uid => "cookie.uid",
        };
        let operator = match operator {
            Operator::Exact => "exact",
            Operator::Prefix => "prefix",
            Operator::Contains => "contains",
        };
        json!({"attribute": attribute, operator: operand})
    }

    fn lua(&self) -> String {
        let Self(fact, operator, operand) = self;
        let fact = match fact {
            Fact::User => "user",
            Fact::Agent => "agent",
            Fact::Uid => "uid",
        };
        match operator {
            Operator::Exact => format!("{fact} == \"{operand}\""),
            Operator::Prefix => format!(
                "{fact} and string.sub({fact}, 1, {}) == \"{operand}\"",
                operand.len()
            ),
            Operator::Contains => {
                format!("{fact} and string.find({fact}, \"{operand}\", 1, true)")
            }
        }
    }
}

const RULES: [(&str, &[Test]); 10] = [
    ("staff-bob", &[Test(Fact::User, Operator::Exact, "bob")]),
    ("staff-carol", &[Test(Fact::User, Operator::Exact, "carol")]),
    ("tools", &[Test(Fact::Agent, Operator::Prefix, "curl/")]),
    (
        "android",
        &[Test(Fact::Agent, Operator::Contains, "Android")],
    ),
    ("uid-one", &[Test(Fact::Uid, Operator::Exact, "u-1")]),
    ("uid-range", &[Test(Fact::Uid, Operator::Prefix, "u-99")]),
    (
        "dave-at-three",
        &[
            Test(Fact::User, Operator::Exact, "dave"),
            Test(Fact::Uid, Operator::Exact, "u-3"),
        ],
    ),
    ("iphone", &[Test(Fact::Agent, Operator::Contains, "iPhone")]),
    ("staff-erin", &[Test(Fact::User, Operator::Exact, "erin")]),
    (
        "gray",
        &[
            Test(Fact::User, Operator::Exact, "alice"),
            Test(Fact::Uid, Operator::Exact, "u-4711"),
        ],
    ),
];

const LUA: &str = r#"
local function decide(user, agent, uid)
--RULES--
  return nil, nil
end

local function is_reserved(name)
  local first = string.byte(name)
  if first == 120 then
    return string.sub(name, 1, 11) == "x-meshlane-"
  elseif first == 100 and string.sub(name, 1, 6) == "dubbo-" then
    return name == "dubbo-interface" or name == "dubbo-method" or name == "dubbo-group" or name == "dubbo-version"
      or name == "dubbo-serialization" or name == "dubbo-param-types" or name == "dubbo-generic"
      or string.sub(name, 1, 17) == "dubbo-attachment-" or string.sub(name, 1, 10) == "dubbo-arg-"
  end
  return false
end

function envoy_on_request(handle)
  local headers = handle:headers()
  local user, agent, cookie, incoming, reserved
  for name, value in pairs(headers) do
    if name == "x-user" then
      user = value
    elseif name == "user-agent" then
      agent = value
    elseif name == "cookie" then
      cookie = value
    elseif name == "x-mse-tag" then
      incoming = true
    elseif is_reserved(name) then
      reserved = reserved or {}
      reserved[#reserved + 1] = name
    end
  end
  if reserved then
    for _, name in ipairs(reserved) do headers:remove(name) end
  end
  local uid = cookie and string.match("; " .. cookie, "; uid=([^;]*)")
  local tag, rule = decide(user, agent, uid)
  if tag then
    handle:streamInfo():dynamicMetadata():set("meshlane.traffic-tag", "decision",
      "x-mse-tag=" .. tag .. ";rule=" .. rule .. ";reason=tag-rule-matched")
    headers:replace("x-mse-tag", tag)
  elseif incoming then
    headers:remove("x-mse-tag")
  end
end
"#;
