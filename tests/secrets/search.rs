//! Looks for a text in memory, files and bytes, in the forms that programs give it. Knows nothing of the daemon.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use std::fs::File;
use std::os::unix::fs::FileExt;
use std::path::Path;

/// Read at once.
const PIECE: usize = 1 << 20;

/// Where it was found.
#[derive(Debug)]
#[allow(dead_code, reason = "for whoever reads why a test failed")]
pub(crate) struct Place {
    form: &'static str,
    place: String,
    at: u64,
    /// What stands around it, with the text itself.
    around: String,
}

/// A text that is looked for.
pub(crate) struct Needle(Vec<(&'static str, Vec<u8>)>);

/// A password that is nowhere by chance, and half of which is enough to know it by.
pub(crate) fn canary() -> String {
    let mut bytes = [0_u8; 24];
    std::io::Read::read_exact(&mut File::open("/dev/urandom").unwrap(), &mut bytes).unwrap();
    STANDARD.encode(bytes).replace(['+', '/'], "x")
}

impl Needle {
    /// The text and its latter half, for what was written over at its beginning.
    pub(crate) fn new(text: &str) -> Self {
        let half = &text[text.len() / 2..];
        let mut forms = vec![("plain", text.as_bytes().to_vec()), ("half", half.as_bytes().to_vec())];
        forms.push(("UTF-16", text.encode_utf16().flat_map(u16::to_le_bytes).collect()));
        forms.push(("hex", text.bytes().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect()));
        forms.push(("HEX", text.bytes().flat_map(|byte| format!("{byte:02X}").into_bytes()).collect()));
        for offset in 0..3 {
            // Behind so many other bytes, without the letters that those or later ones have a part in.
            let padded = [&b"\0\0"[..offset], text.as_bytes()].concat();
            let whole = padded.len() / 3 * 4;
            let skipped = if offset == 0 { 0 } else { 4 };
            for (name, engine) in [("base64", &STANDARD), ("base64url", &URL_SAFE)] {
                forms.push((name, engine.encode(&padded).as_bytes()[skipped..whole].to_vec()));
            }
        }
        Self(forms)
    }

    /// Where it is in some bytes: the first place of each form.
    pub(crate) fn in_bytes(&self, place: &str, bytes: &[u8]) -> Vec<Place> {
        let found = self.0.iter().filter_map(|(form, needle)| {
            let at = find(bytes, needle)?;
            let around = &bytes[at.saturating_sub(64)..bytes.len().min(at + needle.len() + 64)];
            Some(Place { form, place: place.to_owned(), at: at as u64, around: String::from_utf8_lossy(around).into_owned() })
        });
        found.collect()
    }

    /// Where it is in the memory of a process: in all of it that can be read, as a core file would have it.
    pub(crate) fn in_memory(&self, process: u32) -> Vec<Place> {
        let maps = std::fs::read_to_string(format!("/proc/{process}/maps")).unwrap();
        let memory = File::open(format!("/proc/{process}/mem")).unwrap();
        let overlap = self.0.iter().map(|(_, needle)| needle.len()).max().unwrap_or_default();
        let mut found = Vec::new();
        let mut piece = vec![0; PIECE];
        let mut looked = 0;
        for line in maps.lines() {
            let mut fields = line.split_ascii_whitespace();
            let (range, rights) = (fields.next().unwrap(), fields.next().unwrap());
            let (from, to) = range.split_once('-').unwrap();
            let (mut at, to) = (u64::from_str_radix(from, 16).unwrap(), u64::from_str_radix(to, 16).unwrap());
            if !rights.starts_with('r') || line.ends_with("[vvar]") || line.ends_with("[vsyscall]") || line.contains("[vvar_") {
                continue;
            }
            while at < to {
                let length = usize::try_from(to - at).unwrap().min(PIECE);
                // Mappings come and go.
                let Ok(count @ 1..) = memory.read_at(&mut piece[..length], at) else { break };
                looked += count;
                for place in self.in_bytes(line, &piece[..count]) {
                    found.push(Place { at: at + place.at, ..place });
                }
                at += if count > 2 * overlap && at + (count as u64) < to { (count - overlap) as u64 } else { count as u64 };
            }
        }
        assert!(looked > 1 << 20, "only {looked} bytes of process {process} could be read");
        found
    }

    /// Where it is in the files below a directory.
    pub(crate) fn in_files(&self, directory: &Path) -> Vec<Place> {
        let mut found = Vec::new();
        for entry in std::fs::read_dir(directory).into_iter().flatten().flatten() {
            let path = entry.path();
            let name = path.display().to_string();
            found.extend(self.in_bytes("a name of a file", name.as_bytes()));
            if path.is_dir() {
                found.extend(self.in_files(&path));
            } else {
                found.extend(self.in_bytes(&name, &without_holes(std::fs::read(&path).unwrap_or_default())));
            }
        }
        found
    }
}

/// All processes that a process has started, and theirs.
pub(crate) fn descendants(process: u32) -> Vec<u32> {
    let tasks = std::fs::read_dir(format!("/proc/{process}/task")).into_iter().flatten().flatten();
    let children = tasks.flat_map(|task| {
        let list = std::fs::read_to_string(task.path().join("children")).unwrap_or_default();
        list.split_ascii_whitespace().map(|id| id.parse().unwrap()).collect::<Vec<u32>>()
    });
    children.flat_map(|child| std::iter::once(child).chain(descendants(child))).collect()
}

/// Ends a process as a crash would.
pub(crate) fn kill(process: u32) {
    // SAFETY: kill takes no pointers.
    assert_eq!(unsafe { libc::kill(libc::pid_t::try_from(process).unwrap(), libc::SIGKILL) }, 0);
}

/// The blocks of a file that hold anything: of a server's files most hold nothing, and no form of a text has a block of zeros within.
fn without_holes(bytes: Vec<u8>) -> Vec<u8> {
    const BLOCK: usize = 512;
    const EMPTY: [u8; BLOCK] = [0; BLOCK];
    if bytes.len() < PIECE {
        return bytes;
    }
    let mut kept = Vec::new();
    for block in bytes.chunks(BLOCK).filter(|block| EMPTY.get(..block.len()) != Some(*block)) {
        kept.extend_from_slice(block);
    }
    kept
}

fn find(bytes: &[u8], needle: &[u8]) -> Option<usize> {
    // SAFETY: both are as long as is said. Rust's own search would take minutes without optimisation.
    let found = unsafe { libc::memmem(bytes.as_ptr().cast(), bytes.len(), needle.as_ptr().cast(), needle.len()) };
    (!found.is_null()).then(|| found as usize - bytes.as_ptr() as usize)
}
