//! Stories of people who talk to the bot: the real bot role on the sandbox, the embedded log and a
//! scratch database. The tests play the initiator.

mod access;
mod card;
mod doctor;
mod house;
mod lost;
mod panels;
mod pool;
mod views;
mod workers;
