//! SQLite's write-ahead log needs memory that all processes share, so the folder must lie on
//! a disk of this machine. Network file systems are refused before they lose anything.

use std::path::Path;

use nix::sys::statfs::statfs;

use super::error::Explain;
use crate::LogError;

pub(super) fn refuse(folder: &Path, explain: &Explain) -> Result<(), LogError> {
    let found =
        statfs(folder).map_err(|e| explain.io("ask which file system holds the folder", &e.into()))?;
    let mounts = std::fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_owned());
    // The kernel's magic numbers have 32 bits; the field's width and sign differ by platform.
    match network_name(found.filesystem_type().0 as u32, || mount_type(&mounts, &folder)) {
        None => Ok(()),
        Some(name) => Err(explain.denied(format!(
            "{} lies on a network file system ({name}), where SQLite loses data; give a folder on a disk of this \
             machine with --data, or use Kafka (--log kafka:host:port)",
            folder.display()
        ))),
    }
}

/// The name of a network file system, by its magic number (statfs(2)).
fn network_name(magic: u32, mount_type: impl FnOnce() -> Option<String>) -> Option<String> {
    let name = match magic {
        0x0000_6969 => "NFS",
        0x0000_517b => "SMB",
        0xff53_4d42 => "CIFS",
        0xfe53_4d42 => "SMB2",
        0x5346_414f | 0x6b41_4653 => "AFS",
        0x00c3_6400 => "Ceph",
        0x0bd0_0bd0 => "Lustre",
        0x4750_4653 => "GPFS",
        0x0000_564c => "NCP",
        0x7375_7245 => "Coda",
        0x1983_0326 => "BeeGFS",
        // FUSE says nothing by itself: a container's overlay is fine, sshfs is not.
        0x6573_5546 => {
            let name = mount_type()?;
            let far = [
                "sshfs", "s3fs", "rclone", "gluster", "ceph", "davfs", "smb", "cifs", "nfs", "goofys",
                "gcsfuse",
            ];
            return far.iter().any(|f| name.contains(f)).then_some(name);
        }
        _ => return None,
    };
    Some(name.to_owned())
}

/// The type of the mount that holds a folder, as /proc/self/mountinfo tells it.
fn mount_type(mounts: &str, folder: &Path) -> Option<String> {
    let mount = |line: &str| {
        let (place, rest) = line.split_once(" - ")?;
        let point = place.split(' ').nth(4)?.replace("\\040", " ");
        folder
            .starts_with(&point)
            .then(|| (point.len(), rest.split(' ').next().unwrap_or_default().to_owned()))
    };
    // Later mounts cover earlier ones at the same place; `max_by_key` takes the last.
    mounts
        .lines()
        .filter_map(mount)
        .max_by_key(|(length, _)| *length)
        .map(|(_, kind)| kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    const MOUNTS: &str = "\
22 1 254:1 / / rw,relatime shared:1 - ext4 /dev/vda1 rw
40 22 0:35 / /home/ada/far rw,nosuid - fuse.sshfs ada@lab:/ rw
41 22 0:36 / /home/ada/my\\040disk rw - fuse.ntfs-3g /dev/sdb1 rw";

    #[test]
    fn file_systems_far_away_are_known_by_name() {
        let fuse = 0x6573_5546;
        let cases = [
            (0x6969, "/home", Some("NFS")),
            (0xff53_4d42, "/home", Some("CIFS")),
            (0xfe53_4d42, "/home", Some("SMB2")),
            (0xef53, "/home", None),
            (fuse, "/home/ada/far/kymo", Some("fuse.sshfs")),
            (fuse, "/home/ada/my disk/kymo", None),
        ];
        for (magic, folder, expected) in cases {
            let found = network_name(magic, || mount_type(MOUNTS, Path::new(folder)));
            assert_eq!(found.as_deref(), expected, "{magic:x} {folder}");
        }
    }
}
