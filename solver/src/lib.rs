//! What iterates: the built-in problems, the protocol that every other program speaks, the catalogue
//! that names them, and the roles that keep them alive. Drawing and chatting are other rooms' business.

pub mod airy;
mod card;
pub mod catalogue;
mod events;
mod folder;
pub mod heat;
pub mod initiator;
pub mod lorenz;
pub mod monte_carlo;
mod process;
pub mod protocol;
mod restart;
pub mod server;
mod solver;
mod spool;
pub mod standalone;
pub mod terminal;
#[cfg(test)]
mod testing;
mod undisturbed;
pub mod watchdog;

pub use solver::{BuiltIn, Offer, Solver, SolverError, built_in, find_built_in};
pub use undisturbed::undisturbed_digest;
