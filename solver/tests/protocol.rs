//! What programs print, and what becomes of it.

use kymo_runlog::{Quantity, Record};
use kymo_solver::protocol::{Line, LineParser};
use proptest::prelude::*;

/// The canonical JSON of a record, or what else the line is.
fn told(parser: &mut LineParser, line: &[u8]) -> String {
    match parser.parse(line) {
        Line::Record { record, headers } => {
            let headers = if headers.is_empty() {
                String::new()
            } else {
                format!(" with {headers:?}")
            };
            format!("{}{headers}", String::from_utf8(record.to_json()).unwrap())
        }
        Line::Step { iteration, state } => format!("step of {iteration}: {state}"),
        Line::Rejected(reason) => format!("rejected: {reason}"),
        Line::Text => "text".to_owned(),
    }
}

fn parser() -> LineParser {
    LineParser::new(0, &[] as &[&str]).unwrap()
}

/// Each line as the first one of a run.
fn each(lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| told(&mut parser(), line.as_bytes()))
        .collect::<Vec<_>>()
        .join("\n")
}

/// The lines one after the other.
fn all(parser: &mut LineParser, lines: &[&str]) -> String {
    lines
        .iter()
        .map(|line| told(parser, line.as_bytes()))
        .collect::<Vec<_>>()
        .join("\n")
}

#[test]
fn the_short_and_the_long_form_are_records() {
    insta::assert_snapshot!(each(&[
        r#"{"loss":0.3}"#,
        "{\"loss\":0.3,\"accuracy\":1}\r\n",
        r#"  {"loss":0.3}"#,
        r#"{"iteration":1,"total":10,"loss":3}"#,
        r#"{"iteration":1.0,"total":null,"values":{"loss":-0.0,"E":[[1,2],[3,4]]},"state":"s","pace":0.5}"#,
        r#"{"values":{"E":[1,2,3]},"axes":{"x":[0,0.5,1]},"headers":{"seed":7,"host":"a"}}"#,
        r#"{"values":{"E":[[1,2],[3,4],[5,6]]},"axes":{"t":{"start":0,"step":0.1,"count":3,"unit":"s"},"x":{"values":[0,1],"unit":"m"}}}"#,
        r#"{"values":{"E":{"axes":["t","x"],"data":[[1,2],[3,4]],"unit":"V/m"}}}"#,
        r#"{"values":{"E":{"axes":["t","x"],"data":[1,2,3,4]}},"axes":{"t":[0,1],"x":[0,1]}}"#,
        r#"{"a":[1,2],"b":[1,2],"c":[1,2,3],"d":[[1],[2]]}"#,
        r#"{"a":[],"b":5}"#,
        r#"{"loss":1,"state":{"w":[1,2.50,null]}}"#,
    ]), @r#"
{"iteration":1,"values":{"loss":0.3}}
{"iteration":1,"values":{"loss":0.3,"accuracy":1.0}}
{"iteration":1,"values":{"loss":0.3}}
{"iteration":1,"total":10,"values":{"loss":3.0}}
{"iteration":1,"axes":{"i":{"start":0.0,"step":1.0,"count":2},"j":{"start":0.0,"step":1.0,"count":2}},"values":{"loss":-0.0,"E":{"axes":["i","j"],"data":[1.0,2.0,3.0,4.0]}},"state":"s","pace":0.5}
{"iteration":1,"axes":{"x":{"values":[0.0,0.5,1.0]}},"values":{"E":{"axes":["x"],"data":[1.0,2.0,3.0]}}} with [("seed", "7"), ("host", "a")]
{"iteration":1,"axes":{"t":{"unit":"s","start":0.0,"step":0.1,"count":3},"x":{"unit":"m","values":[0.0,1.0]}},"values":{"E":{"axes":["t","x"],"data":[1.0,2.0,3.0,4.0,5.0,6.0]}}}
{"iteration":1,"axes":{"t":{"start":0.0,"step":1.0,"count":2},"x":{"start":0.0,"step":1.0,"count":2}},"values":{"E":{"unit":"V/m","axes":["t","x"],"data":[1.0,2.0,3.0,4.0]}}}
{"iteration":1,"axes":{"t":{"values":[0.0,1.0]},"x":{"values":[0.0,1.0]}},"values":{"E":{"axes":["t","x"],"data":[1.0,2.0,3.0,4.0]}}}
{"iteration":1,"axes":{"i":{"start":0.0,"step":1.0,"count":2},"c.i":{"start":0.0,"step":1.0,"count":3},"j":{"start":0.0,"step":1.0,"count":1}},"values":{"a":{"axes":["i"],"data":[1.0,2.0]},"b":{"axes":["i"],"data":[1.0,2.0]},"c":{"axes":["c.i"],"data":[1.0,2.0,3.0]},"d":{"axes":["i","j"],"data":[1.0,2.0]}}}
{"iteration":1,"axes":{"i":{"start":0.0,"step":1.0,"count":0}},"values":{"a":{"axes":["i"],"data":[]},"b":5.0}}
{"iteration":1,"values":{"loss":1.0},"state":"json:{\"w\":[1,2.50,null]}"}
"#);
}

#[test]
fn what_json_has_not_is_read_all_the_same() {
    insta::assert_snapshot!(each(&[
        r#"{"loss":NaN}"#,
        r#"{"loss":Infinity,"other":-Infinity}"#,
        r#"{"loss":"NaN","other":"-Infinity"}"#,
        r#"{"E":[1,NaN,"Infinity",-Infinity]}"#,
        r#"{"loss":nan,"other":-inf}"#,
        r#"{"a NaN":1,"loss\"NaN":NaN}"#,
    ]), @r#"
{"iteration":1,"values":{"loss":"NaN"}}
{"iteration":1,"values":{"loss":"Infinity","other":"-Infinity"}}
{"iteration":1,"values":{"loss":"NaN","other":"-Infinity"}}
{"iteration":1,"axes":{"i":{"start":0.0,"step":1.0,"count":4}},"values":{"E":{"axes":["i"],"data":[1.0,"NaN","Infinity","-Infinity"]}}}
{"iteration":1,"values":{"loss":"NaN","other":"-Infinity"}}
{"iteration":1,"values":{"a NaN":1.0,"loss\"NaN":"NaN"}}
"#);
}

#[test]
fn what_was_meant_as_a_record_says_what_is_wrong_with_it() {
    let many_axes = format!("{{\"E\":{}1{}}}", "[".repeat(5), "]".repeat(5));
    let deep = format!("{{\"E\":{}1{}}}", "[".repeat(500), "]".repeat(500));
    insta::assert_snapshot!(each(&[
        r#"{"loss":"0.3"}"#,
        r#"{"loss":"[0.1 0.2]"}"#,
        r#"{"loss":["0.3","0.4"]}"#,
        r#"{"loss":[0.1,"0.3"]}"#,
        r#"{"E":[[1,2],[3]]}"#,
        r#"{"E":[1,[2]]}"#,
        r#"{"converged":true}"#,
        r#"{"loss":null}"#,
        r#"{"E":[1,null]}"#,
        r#"{"loss":{"mean":1}}"#,
        r#"{"iteration":"3","loss":1}"#,
        r#"{"iteration":0,"loss":1}"#,
        r#"{"iteration":1.5,"loss":1}"#,
        r#"{"iteration":-1,"loss":1}"#,
        r#"{"iteration":true,"loss":1}"#,
        r#"{"iteration":3,"loss":1}"#,
        r#"{"total":"many","loss":1}"#,
        r#"{}"#,
        r#"{"iteration":1}"#,
        r#"{"values":{}}"#,
        r#"{"values":[1,2]}"#,
        r#"{"values":{"loss":1},"time":3}"#,
        r#"{"loss":1,"loss":2}"#,
        r#"{"loss":1,"axes":[1]}"#,
        r#"{"loss":1,"axes":{"x":{"start":0}}}"#,
        r#"{"loss":1,"axes":{"x":{"begin":0}}}"#,
        r#"{"E":[1,2,3],"axes":{"x":[0,1]}}"#,
        r#"{"values":{"E":{"axes":["x"],"data":[1,2,3]}},"axes":{"x":[0,1]}}"#,
        r#"{"values":{"E":{"axes":["x","y"],"data":[1,2]}}}"#,
        r#"{"values":{"E":{"data":"1 2"}}}"#,
        r#"{"loss":1,"headers":{"kymo-run":"x"}}"#,
        r#"{"level":"info","message":"hello"}"#,
        r#"{'loss': 0.3}"#,
        r#"{"loss": 0.3"#,
        r#"{"loss": True}"#,
        r#"{"loss": 1e999}"#,
        "{",
        "{\u{1f642}}",
        &many_axes,
        &deep,
    ]), @r#"
rejected: "loss" is the text "0.3", not a number; print float(x) instead of str(x)
rejected: "loss" is the text "[0.1 0.2]", not a number; print float(x), or x.tolist() for an array
rejected: "loss" holds the text "0.3"; print numbers: [float(x) for x in values], or values.tolist()
rejected: "loss" holds the text "0.3"; print numbers only (float(x), NaN where one is missing), equally many in each row
rejected: "E" is ragged: its first row has 2 numbers and row 2 has 1; print numbers only (float(x), NaN where one is missing), equally many in each row
rejected: "E" mixes numbers and lists; print numbers only (float(x), NaN where one is missing), equally many in each row
rejected: "converged" is the boolean true; write 1 or 0
rejected: "loss" is null; write NaN for a number that is missing
rejected: "E" holds null; print numbers only (float(x), NaN where one is missing), equally many in each row
rejected: "loss" holds the number 1 as "mean"; an array is {"axes":["x"],"data":[1,2],"unit":"m"}
rejected: "iteration" is the text "3"; print a number: int(x) or float(x)
rejected: iteration is 0; iterations are counted from 1
rejected: "iteration" is 1.5; it must be a whole number
rejected: "iteration" is -1; it must be a whole number
rejected: "iteration" is the boolean true; it must be a number
rejected: iteration 3 came where 1 is next; print every iteration, in order
rejected: "total" is the text "many"; it must be a number
rejected: it holds no values; write e.g. {"loss":0.3}
rejected: it holds no values; write e.g. {"loss":0.3}
rejected: it holds no values; write e.g. {"loss":0.3}
rejected: "values" is an array of 2; write {"values":{"loss":0.3}}
rejected: the key "time" is none of iteration, total, values, axes, state, headers, pace; move it into "values"
rejected: "loss" is given twice; leave one of them out
rejected: "axes" is an array of 1; write {"axes":{"x":[0,0.5,1]}}
rejected: the axis "x" holds neither values nor all of start, step and count; write [0,0.5,1] or {"start":0,"step":0.5,"count":3,"unit":"m"}
rejected: the axis "x" holds the number 0 as "begin"; write [0,0.5,1] or {"start":0,"step":0.5,"count":3,"unit":"m"}
rejected: "E" has 3 numbers, which does not fit the axes x (2); name its axes: {"axes":[...],"data":[...]}
rejected: "E" has 3 numbers, but its axes x count 2
rejected: "E" lies over the axis "x", which the line does not describe in "axes"
rejected: "E" holds the text "1 2" as "data"; an array is {"axes":["x"],"data":[1,2],"unit":"m"}
rejected: the header "kymo-run" belongs to kymo; use another name
rejected: "level" is the text "info", not a number; print float(x), or x.tolist() for an array
rejected: "{'loss': 0.3}" is no JSON; print(json.dumps(record)) instead of print(record)
rejected: it is no JSON: EOF while parsing an object at column 12; print a record with your language's JSON writer
rejected: it is no JSON: expected value at column 10; print a record with your language's JSON writer
rejected: it is no JSON: number out of range at column 14; print a record with your language's JSON writer
rejected: a record must stand on one line; print it without indentation
rejected: it is no JSON: key must be a string at column 2; print a record with your language's JSON writer
rejected: "E" has 5 dimensions; at most 4 can be kept
rejected: it is no JSON: recursion limit exceeded at column 132; print a record with your language's JSON writer
"#);
}

#[test]
fn thousands_of_names_are_refused_at_once() {
    let names: Vec<String> = (0..300_000).map(|i| format!("\"v{i}\":1")).collect();
    let line = format!("{{{}}}", names.join(","));
    insta::assert_snapshot!(told(&mut parser(), line.as_bytes()), @"rejected: it holds 300000 values, and at most 1000 names are kept; print an array instead");
}

#[test]
fn everything_else_is_text() {
    let long = "x".repeat(10_000);
    for line in [
        "",
        "\n",
        "epoch 3",
        "[1,2]",
        "  {not json",
        "loss: {\"a\":1}",
        &long,
        "\u{202e}",
    ] {
        assert_eq!(parser().parse(line.as_bytes()), Line::Text, "{line:?}");
    }
    assert_eq!(parser().parse(b"\xff\xfe\x00 binary {"), Line::Text);
    assert!(matches!(parser().parse(b"{\"\xff\":1}"), Line::Record { .. }));
    assert!(matches!(parser().parse(b"{\xff\x00"), Line::Rejected(_)));
}

#[test]
fn a_line_without_end_is_not_read() {
    let mut line = vec![b'{'; kymo_solver::protocol::LONGEST_LINE + 1];
    insta::assert_snapshot!(told(&mut parser(), &line), @"rejected: the line is longer than 64 MB; print fewer values at once");
    line[0] = b' ';
    assert_eq!(parser().parse(&line), Line::Text);
}

#[test]
fn iterations_come_in_order() {
    insta::assert_snapshot!(all(&mut parser(), &[
        r#"{"iteration":1,"total":3,"loss":1}"#,
        r#"{"loss":0.5}"#,
        r#"{"loss":"broken"}"#,
        r#"{"iteration":2,"loss":1}"#,
        r#"{"iteration":4,"loss":1}"#,
        r#"{"iteration":3,"loss":0.25}"#,
    ]), @r#"
{"iteration":1,"total":3,"values":{"loss":1.0}}
{"iteration":2,"total":3,"values":{"loss":0.5}}
rejected: "loss" is the text "broken", not a number; print float(x), or x.tolist() for an array
rejected: iteration 2 is in the log already; go on with 3 (resume_after in the job line says where)
rejected: iteration 4 came where 3 is next; print every iteration, in order
{"iteration":3,"total":3,"values":{"loss":0.25}}
"#);
}

#[test]
fn numbering_goes_on_after_a_resume() {
    let mut parser = LineParser::new(7, &[] as &[&str]).unwrap().with_total(Some(9));
    insta::assert_snapshot!(all(&mut parser, &[
        r#"{"loss":0.5}"#,
        r#"{"iteration":1,"loss":1}"#,
        r#"{"iteration":9,"loss":1}"#,
    ]), @r#"
{"iteration":8,"total":9,"values":{"loss":0.5}}
rejected: iteration 1 is in the log already; go on with 9 (resume_after in the job line says where)
{"iteration":9,"total":9,"values":{"loss":1.0}}
"#);
}

#[test]
fn unchanged_programs_are_read_by_patterns() {
    let pattern =
        r"step\s+(?<iteration>\d+)(?:/(?<total>\d+))?\s+E=(?<energy>\S+)(?:\s+T=(?<temperature>[^,]+))?";
    let mut parser = LineParser::new(0, &[pattern]).unwrap();
    insta::assert_snapshot!(all(&mut parser, &[
        "reading input",
        "step 1/100 E=-0.5",
        "step 1/100 E=-0.5 T=300.5 K, done",
        "step 2/100 E=-0.5eV T=300.5 K, done",
        "  0%\rstep 3/100 E=nan",
        "step 5 E=1",
        "step 4 E=broken",
        "step 4 E=1e3",
    ]), @r#"
text
{"iteration":1,"total":100,"values":{"energy":-0.5}}
text
{"iteration":2,"total":100,"values":{"energy":-0.5,"temperature":300.5}}
{"iteration":3,"total":100,"values":{"energy":"NaN"}}
rejected: iteration 5 came where 4 is next; print every iteration, in order
rejected: the pattern's group energy caught "broken", which does not begin with a number; narrow the group, e.g. (?<energy>\S+)
{"iteration":4,"total":100,"values":{"energy":1000.0}}
"#);
    let mut parser = LineParser::new(
        0,
        &[r"^loss (?<loss>\S+)", r"epoch (?<iteration0>\d+): (?<loss>\S+)"],
    )
    .unwrap();
    insta::assert_snapshot!(all(&mut parser, &["epoch 0: 3", "epoch 1: 2", "loss 1", "epoch 1: 2"]), @r#"
{"iteration":1,"values":{"loss":3.0}}
{"iteration":2,"values":{"loss":2.0}}
{"iteration":3,"values":{"loss":1.0}}
text
"#);
}

proptest! {
    /// What a built-in solver prints is what its watchdog reads, bit for bit.
    #[test]
    fn a_record_survives_its_line(
        scalar in any::<f64>(),
        data in prop::collection::vec(any::<f64>(), 6),
        state in prop::option::of(".*"),
        start in -1e9..1e9_f64,
    ) {
        let axis = |count| format!(r#"{{"start":{start:?},"step":0.1,"count":{count}}}"#);
        let json = format!(
            r#"{{"iteration":1,"axes":{{"t":{},"x":{}}},"values":{{"a":0,"E":{{"axes":["t","x"],"data":[0,0,0,0,0,0]}}}}}}"#,
            axis(2), axis(3)
        );
        let mut record = Record::parse(json.as_bytes()).unwrap();
        record.values[0].1 = Quantity::Scalar(scalar);
        if let Quantity::Array(array) = &mut record.values[1].1 {
            array.data = data;
        }
        record.state = state;
        let printed = record.to_json();
        let Line::Record { record: read, .. } = parser().parse(&printed) else { panic!("no record") };
        prop_assert_eq!(String::from_utf8(read.to_json()).unwrap(), String::from_utf8(printed).unwrap());
    }

    /// Nothing that a program can print is a panic.
    #[test]
    fn anything_may_come(line in prop::collection::vec(any::<u8>(), 0..200)) {
        parser().parse(&line);
        parser().parse(&[b"{", line.as_slice()].concat());
    }

    /// Nor is anything that looks like JSON.
    #[test]
    fn anything_like_json_may_come(line in r#"\{("(iteration|total|values|axes|E|x|state)":(\[*[0-9,]*\]*|NaN|null|"[a-z0-9]*"|\{"(axes|data|x|start)":[0-9\[\],"]*\}),?){0,4}\}"#) {
        parser().parse(line.as_bytes());
    }
}

#[test]
fn a_step_says_how_the_next_iteration_stands() {
    let mut parser = LineParser::new(3, &[] as &[&str]).unwrap();
    insta::assert_snapshot!(all(&mut parser, &[
        r#"{"step":{"state":{"n":400,"w":[1,2.50]}}}"#,
        r#"{"step":{"state":"plain","iteration":4}}"#,
        r#"{"step":7}"#,
        r#"{"step":{"state":[],"iteration":4}}"#,
        r#"{"step":{"state":5,"iteration":5}}"#,
        r#"  {"step":{"state":5}}"#,
    ]), @r#"
    step of 4: json:{"n":400,"w":[1,2.50]}
    step of 4: plain
    {"iteration":4,"values":{"step":7.0}}
    rejected: a step of iteration 4 came where iteration 5 is computed; print a step before its iteration's record
    step of 5: json:5
    step of 5: json:5
    "#);
}

#[test]
fn a_broken_step_is_named_and_spoils_nothing() {
    let large = format!(r#"{{"step":{{"state":"{}"}}}}"#, "x".repeat(17 << 20));
    let mut parser = LineParser::new(0, &[] as &[&str]).unwrap();
    insta::assert_snapshot!(all(&mut parser, &[
        r#"{"step":{}}"#,
        r#"{"step":{"sate":1}}"#,
        r#"{"step":{"state":null}}"#,
        r#"{"step":{"state":1},"loss":3}"#,
        r#"{"step":{"state":1},"state":3}"#,
        r#"{"step":{"state":1,"iteration":-1}}"#,
        r#"{"step":{"state":"#,
        r#"{"step":"soon"}"#,
        &large,
        r#"{"step":{"data":[1,2]}}"#,
        r#"{"loss":1}"#,
    ]), @r#"
    rejected: no step: missing field `state` at line 1 column 2; write {"step":{"state":...}}
    rejected: no step: missing field `state` at line 1 column 10; write {"step":{"state":...}}
    rejected: a step needs something to go on from: {"step":{"state":...}}
    rejected: a step stands on a line of its own: {"step":{"state":...}}
    rejected: a step stands on a line of its own: {"step":{"state":...}}
    rejected: no step: invalid value: integer `-1`, expected u64 at line 1 column 25; write {"step":{"state":...}}
    rejected: it is no JSON: EOF while parsing a value at column 17; print a record with your language's JSON writer
    rejected: "step" is the text "soon", not a number; print float(x), or x.tolist() for an array
    rejected: a step's state has 17825792 bytes, and at most 16777216 are kept; offer a smaller one
    {"iteration":1,"axes":{"i":{"start":0.0,"step":1.0,"count":2}},"values":{"step":{"axes":["i"],"data":[1.0,2.0]}}}
    {"iteration":2,"values":{"loss":1.0}}
    "#);
}

proptest! {
    /// Whatever a solver offers comes back as it was.
    #[test]
    fn a_step_comes_back_in_the_job_line(state in "\\PC*") {
        let line = kymo_solver::protocol::step_line(&state);
        let found = LineParser::new(0, &[] as &[&str]).unwrap().parse(line.as_bytes());
        prop_assert_eq!(found, Line::Step { iteration: 1, state });
    }
}
