//! Rules over events by rsigma, an evaluator written by others.
//!
//! `rsigma-peer match RULES EVENTS`: RULES is a JSON list of rule texts, EVENTS has a JSON object a line. Writes a JSON object a line:
//! first `{"refused": {"POSITION": "why"}}`, then `{"rule": POSITION, "events": [LINE, …]}`, both counted from 0.
//!
//! `rsigma-peer time RULES EVENTS`: goes over the events on one thread, once reading and matching each line and once matching alone,
//! and writes the seconds of each.
use rsigma_eval::Engine;
use rsigma_eval::event::JsonEvent;
use rsigma_parser::parse_sigma_yaml;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::time::Instant;

/// One engine for all rules, which go by their position as id.
fn engine_of(texts: &[String]) -> (Engine, Map<String, Value>) {
    let mut engine = Engine::new();
    let mut refused = Map::new();
    for (at, text) in texts.iter().enumerate() {
        let reason = match parse_sigma_yaml(text) {
            Err(error) => Some(error.to_string()),
            Ok(mut read) if read.errors.is_empty() && read.rules.len() == 1 => {
                read.rules[0].id = Some(at.to_string());
                engine.add_rule(&read.rules[0]).err().map(|error| error.to_string())
            }
            Ok(read) => Some(read.errors.join("; ")),
        };
        if let Some(reason) = reason {
            refused.insert(at.to_string(), Value::String(reason));
        }
    }
    (engine, refused)
}

fn main() {
    let args: Vec<String> = std::env::args().collect();
    let texts: Vec<String> = serde_json::from_str(&fs::read_to_string(&args[2]).unwrap()).unwrap();
    let events = fs::read_to_string(&args[3]).unwrap();
    let lines: Vec<&str> = events.lines().collect();
    let (engine, refused) = engine_of(&texts);
    println!("{}", json!({ "refused": refused }));
    if args[1] == "match" {
        matches(&engine, &lines);
    } else {
        times(&engine, &lines);
    }
}

fn matches(engine: &Engine, lines: &[&str]) {
    let mut found: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, line) in lines.iter().enumerate() {
        let value: Value = serde_json::from_str(line).unwrap();
        for result in engine.evaluate(&JsonEvent::borrow(&value)) {
            let rule = result.header.rule_id.unwrap().parse().unwrap();
            found.entry(rule).or_default().push(at);
        }
    }
    for (rule, events) in found {
        println!("{}", json!({ "rule": rule, "events": events }));
    }
}

fn times(engine: &Engine, lines: &[&str]) {
    let started = Instant::now();
    let mut count = 0;
    for line in lines {
        let value: Value = serde_json::from_str(line).unwrap();
        count += engine.evaluate(&JsonEvent::borrow(&value)).len();
    }
    let whole = started.elapsed().as_secs_f64();
    let values: Vec<Value> = lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect();
    let started = Instant::now();
    for value in &values {
        count += engine.evaluate(&JsonEvent::borrow(value)).len();
    }
    let matching = started.elapsed().as_secs_f64();
    println!(
        "{}",
        json!({ "events": lines.len(), "matches": count / 2, "rules": engine.rule_count(), "seconds": whole, "matchingSeconds": matching })
    );
}
