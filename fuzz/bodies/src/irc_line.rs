//! Lines of an IRC server: what the check costs by the byte, and that what libpurple gets of them is one line that the check lets pass again.

use crate::cost;
use std::time::Duration;

pub(crate) fn irc_line(data: &[u8]) {
    // The plugin cuts at line feeds, and gives C strings.
    for line in data.split(|byte| matches!(byte, b'\n' | 0)) {
        let (passed, cost) = cost::of(|| bridge::fuzzing::judge_irc_line(line));
        cost.is_at_most("irc_line", (4 << 10) + 64 * line.len(), line.len(), Duration::from_millis(1), Duration::from_nanos(200));
        let Some(passed) = passed else { continue };
        assert!(!passed.iter().any(|byte| matches!(byte, b'\r' | b'\n' | 0)), "a second line: {passed:?}");
        assert!(passed.len() <= 2 * line.len() + 4, "{} bytes became {}", line.len(), passed.len());
        assert_eq!(bridge::fuzzing::judge_irc_line(&passed).as_deref(), Some(&passed[..]), "another line the second time");
    }
}
