//! kymo-benches
