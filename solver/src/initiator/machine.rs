//! What this machine has, for hosts that are not told.

use kymo_runlog::host::{Capacity, Memory};

/// All cores and all memory; any number of runs.
pub fn capacity() -> Capacity {
    let cores = std::thread::available_parallelism().map_or(1, |cores| cores.get());
    let meminfo = std::fs::read_to_string("/proc/meminfo").unwrap_or_default();
    Capacity {
        runs: None,
        cores: u32::try_from(cores).unwrap_or(u32::MAX),
        memory: memory(&meminfo),
    }
}

fn memory(meminfo: &str) -> Memory {
    let total = meminfo.lines().find_map(|line| {
        let kibibytes = line.strip_prefix("MemTotal:")?.trim().strip_suffix("kB")?;
        kibibytes.trim().parse::<u64>().ok()
    });
    Memory(total.unwrap_or(0).saturating_mul(1024))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_cores_and_memory() {
        assert_eq!(
            memory("MemTotal:       24576 kB\nMemFree: 1 kB\n"),
            Memory(24 << 20)
        );
        let this = capacity();
        assert!(this.cores >= 1 && this.memory > Memory(1 << 20), "{this:?}");
    }
}
