//! The page's types follow the daemon's: the schema kept beside them is the one that the daemon prints.

mod daemon;

use std::path::Path;

#[test]
fn the_page_knows_the_schema_of_this_daemon() {
    let output = daemon::program(&["schema"]).output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("web/client/src/wire/schema.json");
    let kept: serde_json::Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    // Compared by parts, so that the failure names what differs and not the whole.
    let names = |schema: &serde_json::Value| schema["$defs"].as_object().unwrap().keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&kept), names(&printed), "run `npm run wire` in web/client");
    for name in names(&printed) {
        assert_eq!(kept["$defs"][&name], printed["$defs"][&name], "{name} has changed: run `npm run wire` in web/client");
    }
    assert!(kept == printed, "the endpoints have changed: run `npm run wire` in web/client");
}
