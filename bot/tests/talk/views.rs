//! Views that do not fit: refused with what there is, instead of a graph worker that ends again and again.

use kymo_runlog::event::RunEvent;
use kymo_runlog::{Array, Axis, Points, Quantity, Record, RunWriter};

use crate::house::*;

#[tokio::test]
async fn a_view_that_the_run_does_not_have_is_refused_with_what_it_has() {
    let house = House::new().await;
    let id = run(&[]);
    house.log.create(&id.topic()).await.expect("the topic");
    house.happens(&id, 1, 0, RunEvent::Started { pid: 1 }).await;
    house
        .until_said(BOB, "/runs", BOB, |text| text.contains("running"))
        .await;
    let mut said = Vec::new();
    // Before there are records only the grammar can be checked.
    for view in ["E[x", "E[0.6]", "a,b,c,d,e,f,g", &"x".repeat(121)] {
        said.push(house.ask(BOB, LAB, &format!("/watch airy {view}")).await.text);
    }
    let writer = RunWriter::new(id.clone(), 1, "1");
    let mut batch = vec![writer.marker(1, "lab-pc")];
    batch.extend(writer.record(&record(), &[]).expect("a sound record"));
    house
        .log
        .append(&id.topic(), batch)
        .await
        .expect("the log takes it");
    for view in ["nonsense-view", "E[y=0.6]", "E[x=7]", "heat:energy"] {
        said.push(house.ask(BOB, LAB, &format!("/watch airy {view}")).await.text);
        said.push(
            house
                .ask(BOB, BOB, &format!("/workers add airy {view}"))
                .await
                .text,
        );
    }
    said.dedup();
    insta::assert_snapshot!(said.join("\n"), @r#"
    ⚠ the view "E[x" has an opening bracket without a closing one at its end; write it like `E[x=0.6]`.
    ⚠ "0.6" in the view "E[0.6]" fixes no axis; write `axis=number`, `axis=first`, `axis=last` or `last`.
    ⚠ the view "a,b,c,d,e,f,g" has 7 curves; at most 6 can be told apart in one picture.
    ⚠ this view has more than 120 characters; name one value, like E[x=0.6].
    ⚠ the run has no value "nonsense-view"; it has E (over t, x), energy.
    ⚠ E has no axis "y"; it has t, x.
    ⚠ x = 7 lies outside of E: its axis x goes from 0 to 1.
    ⚠ a heat map needs a field over two axes, and energy is a scalar; draw it as a curve.
    "#);
    for view in ["E[x=0.6]", "heat:E", "energy", "E[t=last] ordinal"] {
        let shown = house.ask(BOB, LAB, &format!("/watch airy {view}")).await.text;
        assert!(
            shown.contains(&format!("is shown here, drawn as {view}")),
            "{shown}"
        );
    }
    house.finish().await;
}

/// A field over t and x, and a scalar.
fn record() -> Record {
    let axis = |step, count| Axis {
        unit: None,
        points: Points::Even {
            start: 0.0,
            step,
            count,
        },
    };
    let field = Array {
        axes: vec!["t".to_owned(), "x".to_owned()],
        data: (0..33).map(f64::from).collect(),
        unit: None,
    };
    Record {
        iteration: 1,
        total: Some(3),
        axes: vec![("t".to_owned(), axis(0.1, 3)), ("x".to_owned(), axis(0.1, 11))],
        values: vec![
            ("E".to_owned(), Quantity::Array(field)),
            ("energy".to_owned(), Quantity::Scalar(0.25)),
        ],
        state: None,
        pace: None,
    }
}
