//! The stories: what people do and see, through the real binary and the sandbox Telegram.
//! One file per story; `world/` is the kit.

mod world;

mod broken_kafka;
mod brokers_die;
mod chaos;
mod clean_exit;
mod command_line;
mod deleted_topic;
mod demo_day;
mod first_admin;
mod full_disk;
mod hostile_records;
mod hosts;
mod kill_minus_nine;
mod locked_database;
mod moving;
mod outpost;
mod output_from_afar;
mod over_ssh;
mod phone_page;
mod python_under_fire;
mod run_to_panel;
mod secrets;
mod strangers;
mod systemd_units;
mod telegram_away;
mod wrong_start;
