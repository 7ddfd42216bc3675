//! Whether the kernel ran out of memory: counters that only grow, read before and after.

use std::path::PathBuf;

/// How often the kernel has killed a process for want of memory, as far as we can see.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct OutOfMemory {
    /// In our own memory cgroup.
    group: Option<u64>,
    /// On the whole machine.
    machine: Option<u64>,
}

impl OutOfMemory {
    pub fn read() -> Self {
        let cgroups = std::fs::read_to_string("/proc/self/cgroup").unwrap_or_default();
        let group = counter_files(&cgroups)
            .iter()
            .find_map(|path| find_counter(&std::fs::read_to_string(path).ok()?, "oom_kill"));
        let machine = std::fs::read_to_string("/proc/vmstat")
            .ok()
            .and_then(|text| find_counter(&text, "oom_kill"));
        Self { group, machine }
    }

    /// Whether it happened since `before`. A solver may have put itself into a group of its own, so the machine's
    /// counter is asked as well; a stranger's misfortune in the same moment is rarer.
    pub fn happened_since(&self, before: &Self) -> bool {
        let grew =
            |before: Option<u64>, now: Option<u64>| before.zip(now).is_some_and(|(before, now)| now > before);
        grew(before.group, self.group) || grew(before.machine, self.machine)
    }
}

/// Where version 2 and version 1 of the kernel's control groups keep the counter of our group.
fn counter_files(cgroups: &str) -> Vec<PathBuf> {
    cgroups
        .lines()
        .filter_map(|line| {
            let mut fields = line.splitn(3, ':');
            let (_, controllers, path) = (fields.next()?, fields.next()?, fields.next()?);
            let path = path.trim_start_matches('/');
            if controllers.is_empty() {
                Some(PathBuf::from("/sys/fs/cgroup").join(path).join("memory.events"))
            } else if controllers.split(',').any(|name| name == "memory") {
                Some(
                    PathBuf::from("/sys/fs/cgroup/memory")
                        .join(path)
                        .join("memory.oom_control"),
                )
            } else {
                None
            }
        })
        .collect()
}

fn find_counter(text: &str, name: &str) -> Option<u64> {
    text.lines().find_map(|line| {
        let (key, value) = line.split_once(' ')?;
        (key == name).then(|| value.trim().parse().ok()).flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_are_found_in_both_versions_of_control_groups() {
        let version_two = "low 0\nhigh 0\nmax 12\noom 3\noom_kill 2\noom_group_kill 0\n";
        let version_one = "oom_kill_disable 0\nunder_oom 0\noom_kill 5\n";
        assert_eq!(find_counter(version_two, "oom_kill"), Some(2));
        assert_eq!(find_counter(version_one, "oom_kill"), Some(5));
        assert_eq!(find_counter("", "oom_kill"), None);
        assert_eq!(
            counter_files("0::/user.slice/a"),
            [PathBuf::from("/sys/fs/cgroup/user.slice/a/memory.events")]
        );
        assert_eq!(
            counter_files("5:devices:/\n4:memory:/job\n"),
            [PathBuf::from("/sys/fs/cgroup/memory/job/memory.oom_control")]
        );
    }

    #[test]
    fn either_counter_is_a_witness() {
        let seen = |group, machine| OutOfMemory { group, machine };
        assert!(seen(Some(2), Some(9)).happened_since(&seen(Some(1), Some(9))));
        assert!(seen(Some(1), Some(9)).happened_since(&seen(Some(1), Some(8))));
        assert!(seen(None, Some(9)).happened_since(&seen(None, Some(8))));
        assert!(!seen(Some(1), Some(8)).happened_since(&seen(Some(1), Some(8))));
        assert!(
            !seen(None, Some(8)).happened_since(&seen(None, None)),
            "what was not read before proves nothing"
        );
    }
}
