//! The local OSS as a process with little room: on the disk, and in memory.
#![cfg(target_os = "linux")]

use crate::support::emulate::{Process, granted};

const MIB: usize = 1024 * 1024;

/// Lets the process write no file over 1 MiB: the system then says no, as it does on a full disk,
/// and not by the signal that would end the process.
const LITTLE_ROOM: &str = "trap '' XFSZ; ulimit -f 2048;";

#[tokio::test]
async fn a_disk_without_room_leaves_nothing_and_can_be_read_of() {
    let process = Process::start(LITTLE_ROOM);
    let mut form = granted("large").await;
    let answer = process.post(form.content(&vec![b'x'; 12 * MIB]));
    assert!(answer.starts_with("HTTP/1.1 500 "), "{answer}");
    assert!(answer.contains("<Code>InternalError</Code>"), "{answer}");
    assert!(process.files().is_empty());
    // There is room for small files still.
    let mut form = granted("small").await;
    let answer = process.post(form.content(&vec![b'x'; MIB]));
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert_eq!(process.files().len(), 2);
}

#[tokio::test]
async fn eight_large_uploads_at_once_stay_in_little_memory() {
    let process = Process::start("");
    let mut forms = Vec::new();
    for index in 0..8 {
        let mut form = granted(&format!("large{index}")).await;
        form.content(&vec![index; 24 * MIB]);
        forms.push(form);
    }
    std::thread::scope(|scope| {
        for form in &forms {
            let process = &process;
            scope.spawn(move || {
                let answer = process.post(form);
                assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
            });
        }
    });
    assert_eq!(process.files().len(), 16);
    let peak = process.peak_kib();
    assert!(peak < 64 * 1024, "{peak} KiB");
}
