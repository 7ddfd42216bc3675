//! kymo-solver
