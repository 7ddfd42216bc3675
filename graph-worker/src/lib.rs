//! kymo-graph-worker
