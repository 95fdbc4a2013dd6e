//! Runs what the fuzzers found so far, on any toolchain. Each target has a corpus, and each corpus a target.

#![allow(clippy::unwrap_used)] // what a test cannot go on without fails it

use std::path::{Path, PathBuf};

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../corpus")
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = folder.read_dir().unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

#[test]
fn everything_found_so_far_passes() {
    for (name, body) in bodies::TARGETS {
        let folder = folder().join(name);
        let inputs = names(&folder);
        assert!(!inputs.is_empty(), "{name} has no corpus");
        for input in inputs {
            println!("{name}/{input}");
            body(&std::fs::read(folder.join(input)).unwrap());
        }
    }
}

#[test]
fn each_target_has_its_corpus_and_its_file() {
    let targets: Vec<_> = bodies::TARGETS.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert_eq!(names(&folder()), targets);
    let files: Vec<_> = targets.iter().map(|name| format!("{name}.rs")).collect();
    assert_eq!(names(&folder().join("../fuzz_targets")), files);
    let size: u64 =
        targets.iter().flat_map(|name| folder().join(name).read_dir().unwrap()).map(|entry| entry.unwrap().metadata().unwrap().len()).sum();
    assert!(size < 200 << 10, "the corpora take {size} bytes: minimise them");
}
