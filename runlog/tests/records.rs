//! Record JSON: f64 exactly, one spelling for what JSON cannot say, and reasons that name the field.

use kymo_runlog::{
    Array, Axis, Change, Message, Points, Position, Quantity, Record, Replay, RunId, RunWriter, Stored,
    header,
};
use proptest::prelude::*;

fn scalar(name: &str, x: f64) -> (String, Quantity) {
    (name.to_owned(), Quantity::Scalar(x))
}

fn writer() -> RunWriter {
    let parameters = [("eps", 4.0)].into_iter().collect();
    RunWriter::new(
        RunId {
            solver: "airy".to_owned(),
            parameters,
        },
        3,
        "1.2",
    )
}

/// Bits, so that NaN and -0 count.
fn bits(record: &Record) -> String {
    let quantity = |(name, value): &(String, Quantity)| match value {
        Quantity::Scalar(x) => format!("{name} {:x}", x.to_bits()),
        Quantity::Array(array) => {
            let data: Vec<u64> = array.data.iter().map(|x| x.to_bits()).collect();
            format!("{name} {:?} {:?} {data:x?}", array.axes, array.unit)
        }
    };
    let axis = |(name, axis): &(String, Axis)| match &axis.points {
        Points::Listed { values } => {
            let values: Vec<u64> = values.iter().map(|x| x.to_bits()).collect();
            format!("{name} {:?} {values:x?}", axis.unit)
        }
        Points::Even { start, step, count } => {
            format!(
                "{name} {:?} {:x} {:x} {count}",
                axis.unit,
                start.to_bits(),
                step.to_bits()
            )
        }
    };
    let axes: Vec<String> = record.axes.iter().map(axis).collect();
    let values: Vec<String> = record.values.iter().map(quantity).collect();
    format!(
        "{} {:?} {axes:?} {values:?} {:?}",
        record.iteration, record.total, record.state
    )
}

#[test]
fn a_record_is_written_as_the_guide_says() {
    let axis = |points| Axis {
        unit: Some("L/v".to_owned()),
        points,
    };
    let field = Array {
        axes: vec!["t".to_owned(), "x".to_owned()],
        data: vec![0.1, f64::NAN, -0.0, 1e300],
        unit: None,
    };
    let record = Record {
        iteration: 12,
        total: Some(101),
        axes: vec![
            (
                "t".to_owned(),
                axis(Points::Even {
                    start: 11.0,
                    step: 0.01,
                    count: 2,
                }),
            ),
            (
                "x".to_owned(),
                Axis {
                    unit: None,
                    points: Points::Listed {
                        values: vec![0.0, 0.5],
                    },
                },
            ),
        ],
        values: vec![
            ("E".to_owned(), Quantity::Array(field)),
            scalar("energy", f64::NEG_INFINITY),
        ],
        state: Some("x".to_owned()),
        pace: Some(0.5),
    };
    let json = String::from_utf8(record.to_json()).expect("UTF-8");
    insta::assert_snapshot!(json, @r#"{"iteration":12,"total":101,"axes":{"t":{"unit":"L/v","start":11.0,"step":0.01,"count":2},"x":{"values":[0.0,0.5]}},"values":{"E":{"axes":["t","x"],"data":[0.1,"NaN",-0.0,1e+300]},"energy":"-Infinity"},"state":"x","pace":0.5}"#);
    assert_eq!(
        bits(&Record::parse(json.as_bytes()).expect("it reads back")),
        bits(&record)
    );
}

#[test]
fn a_broken_record_is_told_by_field_and_reason() {
    let deep = format!(r#"{{"iteration":1,"more":{}"#, "[".repeat(100_000));
    let long = format!(r#"{{"iteration":1,"values":{{"{}":1}}}}"#, "x".repeat(200));
    let many: Vec<String> = (0..1001).map(|i| format!(r#""v{i}":1"#)).collect();
    let many = format!(r#"{{"iteration":1,"values":{{{}}}}}"#, many.join(","));
    let told: Vec<String> = [
        "",
        "hello",
        "[]",
        "{}",
        r#"{"iteration":0}"#,
        r#"{"iteration":-1}"#,
        r#"{"iteration":1.5}"#,
        r#"{"iteration":18446744073709551615}"#,
        r#"{"iteration":1,"total":"ten"}"#,
        r#"{"iteration":1,"values":[1]}"#,
        r#"{"iteration":1,"values":{"loss":"0.25"}}"#,
        r#"{"iteration":1,"values":{"loss":"nan"}}"#,
        r#"{"iteration":1,"values":{"loss":null}}"#,
        r#"{"iteration":1,"values":{"loss":1e999}}"#,
        r#"{"iteration":1,"values":{"loss":NaN}}"#,
        r#"{"iteration":1,"values":{"loss":1,"loss":2}}"#,
        r#"{"iteration":1,"values":{"":1}}"#,
        r#"{"iteration":1,"values":{"a\nb":1}}"#,
        r#"{"iteration":1,"values":{"E":{"data":[1]}}}"#,
        r#"{"iteration":1,"values":{"E":{"axes":["x"],"data":[[1,2],[3,4]]}}}"#,
        r#"{"iteration":1,"values":{"E":{"axes":["x"],"data":[1,"2"]}}}"#,
        r#"{"iteration":1,"values":{"E":{"axes":["x"],"data":[1,2]}}}"#,
        r#"{"iteration":1,"values":{"E":{"axes":[],"data":[1]}}}"#,
        r#"{"iteration":1,"axes":{"x":{"start":0,"step":1,"count":2}},"values":{"E":{"axes":["x","x"],"data":[]}}}"#,
        r#"{"iteration":1,"axes":{"x":{"start":0,"step":1,"count":3}},"values":{"E":{"axes":["x"],"data":[1,2]}}}"#,
        r#"{"iteration":1,"axes":{"x":{"start":0,"step":1,"count":1e18}}}"#,
        r#"{"iteration":1,"axes":{"x":{"start":0,"step":1,"count":1000000000000000000}}}"#,
        r#"{"iteration":1,"axes":{"x":{"start":"NaN","step":1,"count":1}}}"#,
        r#"{"iteration":1,"axes":{"x":{"start":0,"values":[1]}}}"#,
        r#"{"iteration":1,"axes":{"x":{}}}"#,
        r#"{"iteration":1,"axes":{"x":7}}"#,
        r#"{"iteration":1,"pace":-1}"#,
        r#"{"iteration":1,"state":{"a":1}}"#,
        &deep,
        &long,
        &many,
    ]
    .iter()
    .map(|json| {
        let shown: String = json.chars().take(60).collect();
        match Record::parse(json.as_bytes()).and_then(|record| record.validate().map(|()| record)) {
            Ok(record) => format!("{shown}  ->  {record:?}"),
            Err(e) => format!("{shown}  ->  {e}"),
        }
    })
    .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
      ->  EOF while parsing a value at line 1 column 0
    hello  ->  expected value at line 1 column 1
    []  ->  invalid type: sequence, expected a record: {"iteration":1,"values":{...}} at line 1 column 0
    {}  ->  missing field `iteration` at line 1 column 2
    {"iteration":0}  ->  iteration: it is 0; iterations are counted from 1 to 2^53
    {"iteration":-1}  ->  iteration: invalid type: integer `-1`, expected a whole number, 0 or more at line 1 column 15
    {"iteration":1.5}  ->  iteration: invalid value: floating point `1.5`, expected a whole number, 0 or more at line 1 column 16
    {"iteration":18446744073709551615}  ->  iteration: it is 18446744073709551615; iterations are counted from 1 to 2^53
    {"iteration":1,"total":"ten"}  ->  total: invalid type: string "ten", expected a whole number, 0 or more at line 1 column 28
    {"iteration":1,"values":[1]}  ->  invalid type: sequence, expected values as an object, name by name at line 1 column 24
    {"iteration":1,"values":{"loss":"0.25"}}  ->  values.loss: "0.25" is a text, not a number; write it without quotes, e.g. float(x) in Python at line 1 column 38
    {"iteration":1,"values":{"loss":"nan"}}  ->  values.loss: "nan" is a text, not a number; write it without quotes, e.g. float(x) in Python at line 1 column 37
    {"iteration":1,"values":{"loss":null}}  ->  values.loss: invalid type: null, expected a number, "NaN", "Infinity", "-Infinity" or {"axes":[...],"data":[...]} at line 1 column 36
    {"iteration":1,"values":{"loss":1e999}}  ->  values.loss: number out of range at line 1 column 37
    {"iteration":1,"values":{"loss":NaN}}  ->  values.loss: expected value at line 1 column 33
    {"iteration":1,"values":{"loss":1,"loss":2}}  ->  values.loss stands there twice at line 1 column 40
    {"iteration":1,"values":{"":1}}  ->  values: a name is empty
    {"iteration":1,"values":{"a\nb":1}}  ->  values: the name "a\nb" holds control characters
    {"iteration":1,"values":{"E":{"data":[1]}}}  ->  values.E: missing field `axes` at line 1 column 41
    {"iteration":1,"values":{"E":{"axes":["x"],"data":[[1,2],[3,  ->  values.E: a list stands where a number should; numbers are written flat, the last axis fastest at line 1 column 52
    {"iteration":1,"values":{"E":{"axes":["x"],"data":[1,"2"]}}}  ->  values.E: "2" is a text, not a number; write it without quotes, e.g. float(x) in Python at line 1 column 56
    {"iteration":1,"values":{"E":{"axes":["x"],"data":[1,2]}}}  ->  values.E: its axis "x" is not among the record's axes
    {"iteration":1,"values":{"E":{"axes":[],"data":[1]}}}  ->  values.E: it has 0 axes; an array has 1 to 8
    {"iteration":1,"axes":{"x":{"start":0,"step":1,"count":2}},"  ->  values.E: it names the axis x twice
    {"iteration":1,"axes":{"x":{"start":0,"step":1,"count":3}},"  ->  values.E: it has 2 numbers, its axes x ask for 3
    {"iteration":1,"axes":{"x":{"start":0,"step":1,"count":1e18}  ->  axes.x: 1000000000000000000 points are more than 100000000
    {"iteration":1,"axes":{"x":{"start":0,"step":1,"count":10000  ->  axes.x: 1000000000000000000 points are more than 100000000
    {"iteration":1,"axes":{"x":{"start":"NaN","step":1,"count":1  ->  axes.x: start and step must be finite
    {"iteration":1,"axes":{"x":{"start":0,"values":[1]}}}  ->  axes.x: an axis has either values, or start, step and count at line 1 column 51
    {"iteration":1,"axes":{"x":{}}}  ->  axes.x: an axis needs values, or start, step and count at line 1 column 29
    {"iteration":1,"axes":{"x":7}}  ->  axes.x: invalid type: integer `7`, expected an axis: {"values":[...]} or {"start":0,"step":0.1,"count":10} at line 1 column 28
    {"iteration":1,"pace":-1}  ->  pace: it is no number of seconds, 0 or more
    {"iteration":1,"state":{"a":1}}  ->  state: invalid type: map, expected a string at line 1 column 23
    {"iteration":1,"more":[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[  ->  EOF while parsing a list at line 1 column 100022
    {"iteration":1,"values":{"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx  ->  values: the name "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"... is longer than 100 characters
    {"iteration":1,"values":{"v0":1,"v1":1,"v2":1,"v3":1,"v4":1,  ->  values: there are more than 1000 of them at line 1 column 8922
    "#);
}

#[test]
fn headers_tell_what_the_payload_holds() {
    let record = Record {
        iteration: 7,
        values: vec![scalar("loss", 0.5)],
        ..Record::default()
    };
    let extra = vec![("host-gpu".to_owned(), "a100".to_owned())];
    let messages = writer()
        .with_traceparent("00-abc-def-01")
        .record(&record, &extra)
        .expect("a good record");
    let told: Vec<String> = messages[0]
        .headers
        .iter()
        .map(|(name, value)| format!("{name}: {}", String::from_utf8_lossy(value)))
        .collect();
    insta::assert_snapshot!(told.join("\n"), @r#"
    kymo-kind: record
    kymo-run: airy-eps.4
    kymo-parameters: {"eps":4}
    kymo-attempt: 3
    kymo-iteration: 7
    kymo-part: 1/1
    kymo-checksum: crc32:c6e317c1
    kymo-solver: airy
    kymo-solver-version: 1.2
    traceparent: 00-abc-def-01
    host-gpu: a100
    "#);
    assert_eq!(messages[0].key.as_deref(), Some(&b"3.7.1"[..]));
    for name in ["kymo-attempt", "Kymo-X", "traceparent", ""] {
        let extra = vec![(name.to_owned(), "1".to_owned())];
        let refused = writer().record(&record, &extra).expect_err("our own names");
        assert!(refused.to_string().contains("Kymograph's own"), "{refused}");
    }
    assert!(writer().record(&Record::default(), &[]).is_err(), "iteration 0");
}

fn any_number() -> impl Strategy<Value = f64> {
    prop_oneof![
        any::<u64>()
            .prop_map(f64::from_bits)
            .prop_map(|x| if x.is_nan() { f64::NAN } else { x }),
        any::<f64>(),
        (-1000i32..1000).prop_map(f64::from),
        Just(f64::INFINITY),
        Just(-0.0),
    ]
}

fn any_record() -> impl Strategy<Value = Record> {
    let unit = prop::option::of("\\PC{0,5}");
    let axis =
        (unit.clone(), 1usize..6, prop::bool::ANY, -9.0..9.0).prop_map(|(unit, count, listed, start)| {
            let even = Points::Even {
                start,
                step: 0.25,
                count,
            };
            let values = (0..count).filter_map(|i| even.at(i)).collect();
            Axis {
                unit,
                points: if listed { Points::Listed { values } } else { even },
            }
        });
    let scalars = prop::collection::btree_map("[a-z\"\\\\é]{1,8}", any_number(), 0..4);
    let numbers = prop::collection::vec(any_number(), 125);
    let state = prop::option::of("\\PC{0,200}");
    (
        1u64..1 << 53,
        prop::option::of(0u64..100),
        prop::collection::vec(axis, 0..3),
        numbers,
        unit,
        scalars,
        state,
    )
        .prop_map(|(iteration, total, axes, mut data, unit, scalars, state)| {
            let axes: Vec<(String, Axis)> = ["X", "Y", "Z"].iter().map(|n| n.to_string()).zip(axes).collect();
            let mut values: Vec<(String, Quantity)> = scalars
                .into_iter()
                .map(|(name, x)| (name, Quantity::Scalar(x)))
                .collect();
            if !axes.is_empty() {
                data.truncate(axes.iter().map(|(_, axis)| axis.points.len()).product());
                let axes = axes.iter().map(|(name, _)| name.clone()).collect();
                values.push(("E".to_owned(), Quantity::Array(Array { axes, data, unit })));
            }
            Record {
                iteration,
                total,
                axes,
                values,
                state,
                pace: None,
            }
        })
}

proptest! {
    #[test]
    fn every_bit_of_a_record_comes_back(record in any_record()) {
        let back = Record::parse(&record.to_json()).expect("it reads back");
        prop_assert!(back.validate().is_ok());
        prop_assert_eq!(bits(&back), bits(&record));
    }

    #[test]
    fn parts_of_any_size_make_the_same_record(mut record in any_record(), limit in 1usize..3000) {
        record.iteration = 1;
        let writer = writer().with_limit(limit);
        let mut messages = vec![writer.marker(1, "lab")];
        let parts = writer.record(&record, &[]).expect("a good record");
        // Below that, the names alone may be too long.
        prop_assert!(limit < 700 || parts.iter().all(|part| part.payload.len() <= limit));
        messages.extend(parts);
        let mut replay = Replay::new(writer.topic().clone());
        let mut back = None;
        for (position, message) in (0..).map(Position).zip(messages) {
            for change in replay.push(&Stored { position, at: chrono::DateTime::UNIX_EPOCH, message }) {
                match change {
                    Change::Iteration { record, .. } => back = Some(record),
                    Change::Attempt(_) => {}
                    other => prop_assert!(false, "{other:?}"),
                }
            }
        }
        prop_assert_eq!(back.map(|back| bits(&back)), Some(bits(&record)));
    }

    #[test]
    fn a_node_is_found_by_its_coordinate(start in -9.0..9.0f64, count in 1usize..50, wanted in any_number()) {
        let even = Points::Even { start, step: 0.125, count };
        let listed = Points::Listed { values: (0..count).filter_map(|i| even.at(i)).collect() };
        prop_assert_eq!(even.len(), listed.len());
        if wanted.is_finite() && wanted.abs() < 1e6 {
            prop_assert_eq!(even.nearest(wanted).map(|(_, x)| (x - wanted).abs()), listed.nearest(wanted).map(|(_, x)| (x - wanted).abs()));
        }
        prop_assert!(even.nearest(wanted).is_some_and(|(i, x)| even.at(i) == Some(x)));
    }
}

#[test]
fn a_header_given_twice_counts_with_its_newest_value() {
    let headers = vec![
        (header::KIND.to_owned(), b"end".to_vec()),
        (header::KIND.to_owned(), b"record".to_vec()),
    ];
    let message = Message {
        headers,
        ..Message::default()
    };
    assert_eq!(message.header(header::KIND), Some("record"));
    assert_eq!(message.header("nothing"), None);
}
